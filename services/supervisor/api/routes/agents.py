"""Who answers here: the live agents, the documents behind their citations, and who asks."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.supervisor.api.bodies import AgentList, AgentView, PrincipalView
from services.supervisor.api.documentation import PROBLEMS
from services.supervisor.api.requests import Caller, Wired
from services.supervisor.bootstrap import Supervisor
from switchboard.contracts.errors import NotFound
from switchboard.contracts.turns import AgentId, Principal

URI_CHARACTERS_MAX = 1_000
OFFSET_MAX = 100_000_000

router = APIRouter(prefix="/v1", responses=PROBLEMS, tags=["agents"])


@router.get("/agents")
async def agents(_: Caller, supervisor: Wired) -> AgentList:
    """The agents that are live now."""
    return AgentList(agents=[AgentView.of(each.card) for each in supervisor.router.agents])


@router.get("/me")
async def me(caller: Caller) -> PrincipalView:
    """Who your key stands for."""
    return PrincipalView(tenant=caller.tenant, user=caller.user, tier=caller.tier, roles=sorted(caller.roles))


@router.get("/sources")
async def source(
    caller: Caller, supervisor: Wired, uri: Annotated[str, Query(max_length=URI_CHARACTERS_MAX)]
) -> Response:
    """The document behind a citation's `uri` (`kb://<agent>/<document>#<start>-<end>@<version>`), and where the
    passage is."""
    agent_id = uri.removeprefix("kb://").partition("/")[0] if uri.startswith("kb://") else ""
    return await _source(supervisor, caller, agent_id, uri)


@router.get("/sources/{agent_id}/{document}")
async def source_document(
    caller: Caller,
    supervisor: Wired,
    agent_id: AgentId,
    document: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,80}$")],
    version: Annotated[str, Query(pattern=r"^([0-9a-f]{4,64})?$")] = "",
    start: Annotated[int | None, Query(ge=0, le=OFFSET_MAX)] = None,
    end: Annotated[int | None, Query(ge=0, le=OFFSET_MAX)] = None,
) -> Response:
    """The same by a citation's `document`, `version`, `start` and `end`; without a version the live document."""
    span = f"{start}-{end}" if start is not None and end is not None else ""
    fragment = f"{span}@{version}" if version else span
    uri = f"kb://{agent_id}/{document}#{fragment}" if fragment else f"kb://{agent_id}/{document}"
    return await _source(supervisor, caller, agent_id, uri)


async def _source(supervisor: Supervisor, caller: Principal, agent_id: str, uri: str) -> Response:
    agent = next((each for each in supervisor.router.agents if each.card.id == agent_id), None)
    if agent is None:
        raise NotFound("There is no such source.")
    status, body = await supervisor.specialists.source(agent, uri, tenant=caller.tenant)
    if status != 200:
        raise NotFound("There is no such source.")
    return Response(body, media_type="application/json")

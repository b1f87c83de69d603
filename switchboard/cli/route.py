"""`switchboard route "text"`: who would answer, with scores, thresholds, who decided and what it cost."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from switchboard.cli.exits import exit_on_error
from switchboard.contracts.agent_topics import AgentTopics
from switchboard.contracts.cards import AgentCard, Skill, load_cards
from switchboard.system import runfile
from switchboard.system.errors import OperatorError

ANSWER_S_MAX = 5.0


def route(
    text: Annotated[str, typer.Argument(help="The message.")],
    after: Annotated[str | None, typer.Option(help="The agent that answered last.")] = None,
    said: Annotated[str, typer.Option(help="What it said; an answer that ends in ? asks for a reply.")] = "",
    local: Annotated[bool, typer.Option("--local", help="The cards in --cards, not the running system's.")] = False,
    cards: Annotated[Path, typer.Option(help="Folder of agents (<agent>/agent.yaml).")] = Path("services"),
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Explains a decision: with the agents of the running system, or where none runs with the local cards."""
    console = Console(highlight=False, soft_wrap=True)
    with exit_on_error():
        running = None if local else _running(state_dir)
        known = running if running is not None else load_cards(cards)
        if after is not None and after not in known:
            raise OperatorError(f"There is no agent '{after}'; there are {', '.join(known)}.")
        if not text.strip():
            raise OperatorError("The message is empty.")
        topics = _topics(known, cards)
        asyncio.run(_explain(console, text, after, said, known, topics, "registered" if running else "local"))


def _running(state_dir: Path) -> dict[str, AgentCard] | None:
    """The agents that the running system has registered; None where none runs. Raises `OperatorError`."""
    try:
        run = runfile.load(state_dir)
    except OperatorError:
        return None
    try:
        headers = {"authorization": f"Bearer {run.keys[0].key}"}
        response = httpx.get(f"{run.api_url}/v1/agents", headers=headers, timeout=ANSWER_S_MAX)
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()["agents"]
    except (httpx.HTTPError, IndexError, KeyError, ValueError) as error:
        raise OperatorError(
            f"The running system does not tell its agents ({error}); --local uses the cards here."
        ) from error
    if not found:
        raise OperatorError("No agent is registered at the moment; --local uses the cards here.")
    return {each["id"]: _card(each) for each in found}


def _topics(known: Mapping[str, AgentCard], folder: Path) -> dict[str, AgentTopics]:
    """What the agents whose cards are in `folder` are asked about: a running system tells the router, and not the API."""
    from switchboard.agent.topics import topics_of

    local = load_cards(folder) if any(folder.glob("*/agent.yaml")) else {}
    return {agent_id: topics_of(card, folder / agent_id) for agent_id, card in local.items() if agent_id in known}


def _card(view: Mapping[str, Any]) -> AgentCard:
    names = ("id", "name", "version", "description", "owner")
    skills = [Skill.model_validate(each) for each in view["skills"]]
    return AgentCard(**{name: view[name] for name in names}, skills=skills, instructions="")


async def _explain(
    console: Console,
    text: str,
    after: str | None,
    said: str,
    cards: Mapping[str, AgentCard],
    topics: Mapping[str, AgentTopics],
    where: str,
) -> None:
    from switchboard.contracts.turns import HistoryMessage
    from switchboard.models import MiniLmEmbedder
    from switchboard.routing.decision import Context, decide, thresholds
    from switchboard.routing.model import RoutingModel

    embedder = MiniLmEmbedder()
    await embedder.open()
    model = await RoutingModel.learned(cards, embedder, embedder.is_word, topics)
    refitted_s = time.perf_counter()
    model = await RoutingModel.learned(cards, embedder, embedder.is_word, topics)
    fit_ms = (time.perf_counter() - refitted_s) * 1000
    history = [HistoryMessage(role="assistant", text=said, agent=after)] if said else []
    started_s = time.perf_counter()
    found = await decide(model, text, Context(after, history))
    took_ms = (time.perf_counter() - started_s) * 1000

    agents = " + ".join(part.agent for part in found.parts) or " or ".join(found.candidates) or "no agent"
    console.print(f"[bold]{escape(found.by)}[/] → [bold green]{escape(agents)}[/]")
    console.print(escape(found.why))
    for part in found.parts if len(found.parts) > 1 else ():
        console.print(f"  {part.agent}: {escape(part.message)}")
    if found.classification is not None:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for name in ("agent", "probability", "raw score"):
            table.add_column(name, justify="left" if name == "agent" else "right")
        for agent, probability in found.shares.items():
            table.add_row(agent, f"{probability:.3f}", f"{found.classification.scores[agent]:.3f}")
        table.add_row("[dim]nobody[/]", f"{found.classification.elsewhere:.3f}", "")
        console.print(table)
        console.print(
            f"familiarity {found.classification.familiarity:.2f} = best skill {found.classification.score:.2f} "
            f"+ nearest example {found.classification.nearest:.2f}"
        )
        console.print(", ".join(f"{name} {value:.2f}" for name, value in thresholds(model).items()), style="dim")
    decided = "the words alone" if found.classification is None else "the classifier"
    unsure = ", unsure: a model that can judge would be asked" if found.unsure else ""
    console.print(
        f"decided by {decided}{unsure} · {took_ms:.1f} ms · {len(cards)} {where} agents, "
        f"{model.examples} examples, fitted in {fit_ms:.0f} ms",
        style="dim",
    )

"""`switchboard eval add-from TURN`: a real turn becomes a golden case."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from pydantic import BaseModel

from switchboard.cli.eval.api import Missing, get, where
from switchboard.cli.eval.target import written
from switchboard.cli.exits import exit_on_error
from switchboard.contracts.errors import SwitchboardError
from switchboard.evaluation.golden.cases import BEFORE_MAX, Case
from switchboard.evaluation.golden.export import HEAD, PastTurn, case_of, yaml_of
from switchboard.evaluation.golden.suite import load_cases
from switchboard.system.errors import OperatorError

UNKNOWN = "There is no such turn for any of the keys tried: say whose it is with --key."


class Page(BaseModel):
    """The part of `GET /v1/conversations/{id}` that is read."""

    turns: list[PastTurn]


class Me(BaseModel):
    tenant: str
    user: str


class Added(BaseModel):
    """What stands on standard output."""

    file: str
    case: Case


def add_from(
    turn: Annotated[str, typer.Argument(help="The turn's id, <conversation>.<number>.")],
    to: Annotated[Path, typer.Option(help="The suite that gets the case.")] = Path("evals/golden/from-feedback.yaml"),
    key: Annotated[str | None, typer.Option(help="Its user's API key; those of run.json are tried.")] = None,
    api_url: Annotated[str | None, typer.Option(help="Another system's API instead of the one running here.")] = None,
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Adds a turn to the golden set: expectations from its answer if it was liked, else a draft for you to finish."""
    with exit_on_error():
        conversation, _, number = turn.rpartition(".")
        if not conversation or not number.isdigit():
            raise OperatorError(
                "A turn's id is <conversation>.<number>; the page and `switchboard chat --json` tell it."
            )
        url, keys = where(api_url, key, state_dir)
        case = _found(url, keys, turn, conversation, int(number))
        _append(to, case)
        typer.echo(Added(file=str(to), case=case).model_dump_json(indent=2, exclude_defaults=True))


def _found(url: str, keys: list[str], turn: str, conversation: str, number: int) -> Case:
    after = max(0, number - 1 - BEFORE_MAX)
    path = f"/v1/conversations/{quote(conversation, safe='')}?after={after}&limit={number - after}"
    for key in keys:
        try:
            turns = Page.model_validate_json(get(url, key, path)).turns
        except Missing:
            continue
        if not turns or turns[-1].turn_id != turn:
            break
        if turns[-1].status == "running":
            raise OperatorError("The turn still runs.")
        me = Me.model_validate_json(get(url, key, "/v1/me"))
        return case_of(turns, user=f"{me.tenant}/{me.user}")
    raise OperatorError(UNKNOWN)


def _append(to: Path, case: Case) -> None:
    before = to.read_text(encoding="utf-8") if to.is_file() else HEAD.format(suite=to.stem)
    draft = to.with_suffix(".draft")
    after = before.rstrip("\n") + "\n" + yaml_of(case)
    written(draft, after)
    try:
        load_cases(draft)
    except SwitchboardError as error:
        raise OperatorError(error.message.replace(str(draft), str(to))) from None
    finally:
        draft.unlink(missing_ok=True)
    written(to, after)

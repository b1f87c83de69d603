"""`switchboard eval blind`: messages that nobody here wrote for the system, against a system; totals with intervals."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
import yaml
from pydantic import BaseModel, ConfigDict, RootModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from switchboard.cli.eval.target import system_to_judge, target_of, written
from switchboard.cli.exits import exit_on_error
from switchboard.evaluation.blind import BlindCase, Totals, TurnScore, by_group, deeds_of, load_blind, score, totals
from switchboard.evaluation.golden.conversation import GoldenConversation
from switchboard.evaluation.golden.results import tokens_of
from switchboard.evaluation.golden.run import SystemUnderTest
from switchboard.system.errors import OperatorError

FOLDER = Path("evals/blind")
GROUPS = ("difficulty", "area", "voice", "lang", "writer")
GROUPS_OF_TEST = ("difficulty", "area")


def blind(
    part: Annotated[str, typer.Argument(help="dev, or test: only totals are ever shown of test.")] = "dev",
    start: Annotated[bool, typer.Option("--start", help="Judge a fresh system, started for this run.")] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Exit 1 below a bar of evals/blind/bars.yaml.")] = False,
    model: Annotated[
        str, typer.Option(help="The gateway's alias that every agent is to use: what would your own model do?")
    ] = "",
    verdict: Annotated[list[str] | None, typer.Option(help="Of dev: list the turns with this verdict.")] = None,
    only: Annotated[str, typer.Option(help="Of dev: only cases whose id begins so.")] = "",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Cases at once.")] = 2,
    out: Annotated[Path, typer.Option(help="Where dev's answers are kept.")] = Path(".switchboard/evals/blind"),
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Useful, refused though answerable, wrong; deeds that nobody asked for, and deeds that were not done."""
    console = Console(stderr=True)
    with exit_on_error():
        if part not in ("dev", "test"):
            raise OperatorError("There are two parts: dev and test.")
        secret = part == "test"
        if model and not start:
            raise OperatorError("--model goes with --start: the model of a running system is its operator's.")
        if secret and (verdict or only):
            raise OperatorError(
                "Of test only totals are shown: whoever sees its cases can no longer be measured by it."
            )
        cases = [case for case in load_blind(FOLDER / f"{part}.jsonl") if case.id.startswith(only)]
        if not cases:
            raise OperatorError(f"No case of {part} is left by these options.")
        with (
            everybody_asks(model) as environment,
            system_to_judge(state_dir, start=start, environment=environment) as system,
        ):
            undo = undo_of(Path(system.state_dir)) if start else None
            scores = run(target_of(system), cases, concurrency, undo, console)
        summary = summary_of(part, model, cases, scores, GROUPS_OF_TEST if secret else GROUPS)
        if not secret:
            written(out / f"{part}.jsonl", "".join(each.model_dump_json() + "\n" for each in scores))
            _list(console, scores, verdict or [])
        typer.echo(json.dumps(summary, indent=2))
        _table(console, summary)
        failures = below(FOLDER / "bars.yaml", part, summary) if gate else []
        for failure in failures:
            console.print(f"[bold red]gate[/] {failure}", soft_wrap=True, highlight=False)
        raise typer.Exit(1 if failures else 0)


@contextmanager
def everybody_asks(model: str) -> Generator[dict[str, str]]:
    """The environment of a system whose agents all ask `model`: an experiment in which every variant says so."""
    if not model:
        yield {}
        return
    variants = [{"name": name, "model": model} for name in ("one", "other")]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"experiments": [{"name": "blind", "variants": variants}]}, file)
        file.flush()
        yield {"SWITCHBOARD_EXPERIMENTS_FILE": file.name}


def undo_of(state_dir: Path) -> Callable[[], None]:
    """Takes back what a case changed in the demo company's records, so that the next one finds them as they were."""
    import sqlite3

    changed = {"billing.sqlite": "refunds", "tech.sqlite": "tickets"}

    def undo() -> None:
        for file, table in changed.items():
            with sqlite3.connect(state_dir / "data" / file, timeout=10) as records:
                records.execute(f"DELETE FROM {table} WHERE request_key IS NOT NULL")
            records.close()

    return undo


def run(
    target: SystemUnderTest,
    cases: Sequence[BlindCase],
    concurrency: int,
    undo: Callable[[], None] | None,
    console: Console,
) -> list[TurnScore]:
    """Those that change nothing side by side, then the others one at a time."""
    deeds = deeds_of(cases)
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("blind cases", total=len(cases))

        async def one(client: httpx.AsyncClient, case: BlindCase) -> list[TurnScore]:
            conversation = GoldenConversation(client, target.keys[case.user], case.user.partition("/")[2])
            scores = [score(case, n, await conversation.ask(turn.say), deeds) for n, turn in enumerate(case.turns)]
            if undo is not None and any(set(each.tools) & deeds for each in scores):
                await asyncio.to_thread(undo)
            progress.advance(task)
            return scores

        async def everything() -> list[TurnScore]:
            places = asyncio.Semaphore(concurrency)

            async def bounded(case: BlindCase) -> list[TurnScore]:
                async with places:
                    return await one(client, case)

            async with httpx.AsyncClient(base_url=target.api_url, trust_env=False) as client:
                reading = [case for case in cases if not case.may_change_data]
                done = await asyncio.gather(*map(bounded, reading))
                for case in cases:
                    if case.may_change_data:
                        done.append(await one(client, case))
            return [each for scores in done for each in scores]

        return asyncio.run(everything())


def summary_of(
    part: str, model: str, cases: Sequence[BlindCase], scores: Sequence[TurnScore], groups: Sequence[str]
) -> dict[str, Any]:
    """JSON: tokens a turn; totals of all, of the short, of the long or two-fact, and of each group."""
    tokens = tokens_of((each.prompt_tokens, each.completion_tokens) for each in scores)
    wanted = sum(len(turn.must_effects) for case in cases for turn in case.turns)
    hard = [each for each in scores if each.groups["difficulty"] in ("long", "two_facts", "two_matters")]
    short = [each for each in scores if each.groups["difficulty"] == "short"]
    return {
        "part": part,
        "model": model or "as configured",
        "cases": len(cases),
        "turns": len(scores),
        "tokens_a_turn": tokens.model_dump() if tokens is not None else None,
        "all": totals(scores, wanted).model_dump(),
        "short": totals(short, 0).model_dump(),
        "long_or_two": totals(hard, 0).model_dump(),
        **{
            f"by_{group}": {name: each.model_dump() for name, each in by_group(scores, cases, group).items()}
            for group in groups
        },
    }


class Bar(BaseModel):
    """What is let pass of one figure."""

    model_config = ConfigDict(extra="forbid")

    min: float = float("-inf")
    max: float = float("inf")


class Bars(RootModel[dict[str, dict[str, dict[str, Bar]]]]):
    """By part, group and metric."""


def below(bars: Path, part: str, found: dict[str, Any]) -> list[str]:
    """A sentence for each bar that is not reached. `part.<group>.<metric>: {min|max: number}` of `bars.yaml`."""
    failures: list[str] = []
    for group, metrics in Bars.model_validate(yaml.safe_load(bars.read_text(encoding="utf-8"))).root[part].items():
        for metric, bar in metrics.items():
            got: Any = found[group][metric]
            value = float(got["share"] if isinstance(got, dict) else got)
            if not bar.min <= value <= bar.max:
                failures.append(f"{part}, {group}: {metric} is {value}, and {bar.min} to {bar.max} is let pass.")
    return failures


def _list(console: Console, scores: Sequence[TurnScore], verdicts: Sequence[str]) -> None:
    for each in scores:
        if each.verdict in verdicts or each.unasked or each.missing:
            deeds = f" unasked {each.unasked}" * bool(each.unasked) + f" missing {each.missing}" * bool(each.missing)
            console.print(
                f"{each.case}.{each.n} {each.verdict}{deeds}: {each.say}\n   → {each.text[:400]}", markup=False
            )


def _table(console: Console, found: dict[str, Any]) -> None:
    table = Table(title=f"blind {found['part']}: {found['turns']} turns")
    for name in ("", "useful", "partial", "refused", "wrong", "failed", "honest", "unasked", "missing"):
        table.add_column(name)
    rows = [("all", found["all"]), ("short", found["short"]), ("long or two", found["long_or_two"])]
    rows += [
        (f"{group[3:]} {name}", each)
        for group in found
        if group.startswith("by_")
        for name, each in found[group].items()
    ]
    for name, each in rows:
        total = Totals.model_validate(each)
        shares = [
            f"{share.share:.0%} ({share.count}/{share.of})"
            for share in (total.useful, total.partial, total.refused, total.wrong, total.failed, total.honest)
        ]
        table.add_row(
            name, *shares, str(total.unasked_effects), f"{total.missing_effects.count}/{total.missing_effects.of}"
        )
    console.print(table)
    if tokens := found["tokens_a_turn"]:
        console.print(f"A turn reads {tokens['prompt']:.0f} tokens and writes {tokens['completion']:.0f} (mean).")

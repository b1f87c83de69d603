"""`switchboard eval run`: the golden cases against a running system; JSON and an HTML report."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, Field
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from switchboard.cli.eval.target import system_to_judge, target_of, written
from switchboard.cli.exits import exit_on_error
from switchboard.evaluation.golden.cases import Case
from switchboard.evaluation.golden.difference import RunDifference, difference
from switchboard.evaluation.golden.gate import Verdict, load_bars, verdict
from switchboard.evaluation.golden.report import html_of
from switchboard.evaluation.golden.results import CaseResult, Figure, Latency, Results, TokensATurn, load_results
from switchboard.evaluation.golden.run import Judge, Runner, SystemUnderTest
from switchboard.evaluation.golden.suite import load_cases
from switchboard.evaluation.judges import ALIAS_DEFAULT, AzureJudges, can_judge
from switchboard.models.gateway import NO_KEY
from switchboard.system.errors import OperatorError
from switchboard.system.runfile import RunFile

GOLDEN = Path("evals/golden")
BASELINE = Path("evals/baseline.json")
BARS = Path("evals/bars.yaml")


class Summary(BaseModel):
    """What stands on standard output."""

    suite: str
    cases: int
    passed: int
    metrics: dict[str, Figure]
    latency_ms: Latency | None
    tokens_a_turn: TokensATurn | None
    cost_usd: float
    seconds: float
    failing: list[str] = Field(default_factory=list)
    results: str
    report: str
    gate: Verdict | None = None
    judge: str = ""


def run(
    suite: Annotated[
        str | None, typer.Argument(help="A suite of evals/golden, or a file or folder of your own; all of them.")
    ] = None,
    start: Annotated[bool, typer.Option("--start", help="Judge a fresh system, started for this run.")] = False,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit 1 below a bar or significantly below the baseline.")
    ] = False,
    tag: Annotated[list[str] | None, typer.Option(help="Only cases with this tag; may be given again.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Leave out cases that change data.")] = False,
    judge: Annotated[
        str, typer.Option(help="Model alias that judges besides; 'auto': if a real model is configured; 'off'.")
    ] = "auto",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Cases at once.")] = 4,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".switchboard/evals"),
    baseline: Annotated[Path, typer.Option(help="What to compare with.")] = BASELINE,
    bars: Annotated[Path, typer.Option(help="The least of each metric.")] = BARS,
    update_baseline: Annotated[bool, typer.Option("--update-baseline", help="Make this run the baseline.")] = False,
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Runs golden cases against the running system. The summary is JSON on standard output."""
    console = Console(stderr=True)
    with exit_on_error():
        cases = chosen(suite, tag or [], read_only=read_only)
        with system_to_judge(state_dir, start=start) as system:
            model = judge_of(system, judge)
            results = judged(target_of(system), suite or "golden", cases, model, concurrency, console)
        compared = difference(load_results(baseline), results) if baseline.is_file() else None
        decided = verdict(results, load_bars(bars), load_results(baseline) if compared else None) if gate else None
        name = f"{results.started_at:%Y%m%d-%H%M%S}"
        kept = written(out / f"{name}.json", results.model_dump_json(indent=1) + "\n")
        report = written(out / f"{name}.html", html_of(results, decided, compared))
        if update_baseline:
            written(baseline, results.baseline())
        typer.echo(summary_of(results, kept, report, decided, judge if model else "").model_dump_json(indent=2))
        _tell(console, results, compared, decided)
        raise typer.Exit(1 if decided is not None and not decided.passed else 0)


def chosen(suite: str | None, tags: list[str], *, read_only: bool) -> list[Case]:
    """The cases that the options leave. Raises `OperatorError` where that is none."""
    path = GOLDEN if suite is None else Path(suite)
    if suite is not None and not path.exists():
        path = GOLDEN / f"{suite}.yaml"
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in GOLDEN.glob("*.yaml"))) or "none here"
        raise OperatorError(f"There is no suite {suite}: there are {known}.")
    cases = [case for case in load_cases(path) if set(tags) <= set(case.tags)]
    cases = [case for case in cases if not case.draft and not (read_only and case.changes_data)]
    if not cases:
        raise OperatorError("No golden case is left by these options.")
    return cases


def judged(
    target: SystemUnderTest, suite: str, cases: list[Case], judge: Judge | None, concurrency: int, console: Console
) -> Results:
    from switchboard.models.minilm import MiniLmEmbedder

    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("golden cases", total=len(cases))

        def heard(_: CaseResult) -> None:
            progress.advance(task)

        runner = Runner(target, MiniLmEmbedder(), judge, concurrency, heard)
        return asyncio.run(runner.run(suite, cases))


def judge_of(system: RunFile, wanted: str) -> Judge | None:
    """None with 'off', and with 'auto' where the gateway has the embedded model only. Raises `OperatorError`."""
    if wanted == "off":
        return None
    alias = ALIAS_DEFAULT if wanted == "auto" else wanted
    key = system.gateway_key or NO_KEY
    real = asyncio.run(can_judge(system.gateway_url, alias, key=key))
    if not real and wanted != "auto":
        raise OperatorError(
            f"There is no real model behind '{alias}' at the gateway, and the embedded one cannot judge."
        )
    return AzureJudges(system.gateway_url, alias, key=key) if real else None


def summary_of(results: Results, kept: Path, report: Path, decided: Verdict | None, judge: str) -> Summary:
    return Summary(
        suite=results.suite,
        cases=len(results.cases),
        passed=len(results.cases) - len(results.failing),
        metrics=results.metrics,
        latency_ms=results.latency_ms,
        tokens_a_turn=results.tokens_a_turn,
        cost_usd=results.cost_usd,
        seconds=results.seconds,
        failing=[case.id for case in results.failing],
        results=str(kept),
        report=str(report),
        gate=decided,
        judge=judge,
    )


def _tell(console: Console, results: Results, compared: RunDifference | None, decided: Verdict | None) -> None:
    for case in results.failing:
        reasons = "; ".join(f"{score.metric}: {score.reason}" for score in case.scores if not score.passed)
        console.print(f"[red]✗[/] [bold]{case.id}[/] {reasons}", soft_wrap=True, highlight=False)
    if compared is not None and (compared.won or compared.lost):
        changed = f"Against the baseline: {len(compared.won)} cases won, {len(compared.lost)} lost."
        console.print(changed, highlight=False)
    for failure in decided.failures if decided is not None else []:
        console.print(f"[bold red]gate[/] {failure}", soft_wrap=True, highlight=False)

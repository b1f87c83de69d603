"""`switchboard trace`: the spans of a turn or a conversation as a tree with timings."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from switchboard.cli.exits import exit_on_error
from switchboard.contracts.errors import Unavailable
from switchboard.system import runfile
from switchboard.system.errors import OperatorError
from switchboard.telemetry.spans import STORE_FILE, Span, SpanStore
from switchboard.telemetry.tree import Node, TraceTree, assemble

BAR_CELLS = 30
TRACE_ID = re.compile(r"[0-9a-f]{32}")
TURN_ID = re.compile(r".+\.\d+")
DAPR_CALL = re.compile(r"^/dapr\.proto\.[A-Za-z0-9.]+/")
"""What stands before the name of a sidecar's own call."""
CONSOLE_S_MAX = 5.0
COLOURS = {"supervisor": "blue", "billing": "green", "tech": "dark_orange", "product": "magenta", "gateway": "cyan"}
FACTS = ("gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "http.response.status_code")


def trace(
    id: Annotated[str, typer.Argument(help="A trace id, a turn id or a conversation id.")],
    sidecars: Annotated[bool, typer.Option("--sidecars/--no-sidecars", help="Show the sidecars' spans.")] = True,
    state_dir: Annotated[Path, typer.Option(help="Where run.json and the span store are.")] = Path(".switchboard"),
) -> None:
    """Prints the span tree of a turn, or of every turn of a conversation."""
    with exit_on_error():
        traces = find(id, state_dir)
        if not traces:
            raise OperatorError(f"Nothing is known of {id}: it is no trace, turn or conversation of the last days.")
        console = Console(highlight=False)
        for spans in traces:
            show(console, assemble(spans), sidecars=sidecars)


def find(id: str, state_dir: Path) -> list[list[Span]]:
    """The traces that `id` names, from the console where it runs, else from the span store's file. Raises `OperatorError`.

    The console shows an operator their own tenant's; the file, to whom this machine lets read it, every tenant's.
    """
    found = _from_console(id, state_dir)
    if found is None or (not found and _store_file(state_dir).is_file()):
        return _from_file(id, state_dir)
    return found


def show(console: Console, tree: TraceTree, *, sidecars: bool = True) -> None:
    """Prints one trace."""
    spans = sum(1 for _ in tree.nodes())
    console.print(
        f"[bold]Trace {tree.trace_id}[/]  {_took(tree.duration_ms)}, {spans} spans, "
        f"{len(tree.services)} services: {escape(', '.join(tree.services))}",
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 1), show_header=True, header_style="dim")
    table.add_column("span", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("timeline", no_wrap=True, width=BAR_CELLS)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("itself", justify="right", no_wrap=True)
    for root in tree.roots:
        _rows(table, root, tree, guides="", last=True, top=True, sidecars=sidecars)
    console.print(table)
    console.print()


def _rows(table: Table, node: Node, tree: TraceTree, *, guides: str, last: bool, top: bool, sidecars: bool) -> None:
    shown = sidecars or not node.span.service.endswith(".dapr")
    if shown:
        branch = "" if top else ("└─ " if last else "├─ ")
        table.add_row(
            _label(node, guides + branch),
            _bar(node.span, tree),
            Text(_took(node.duration_ms), style="red" if node.span.status == "error" else ""),
            Text(_took(node.self_ms), style="dim"),
        )
        guides += "" if top else ("   " if last else "│  ")
    for child in node.children:
        _rows(
            table,
            child,
            tree,
            guides=guides,
            last=child is node.children[-1],
            top=top and not shown,
            sidecars=sidecars,
        )


def _label(node: Node, guides: str) -> Text:
    span = node.span
    failed = span.status == "error"
    facts = "  ".join(str(span.attributes[name]) for name in FACTS if name in span.attributes)
    return Text.assemble(
        (guides, "dim"),
        ("✗ " if failed else "", "red"),
        (span.service, _colour(span.service)),
        (" (parent missing) " if node.orphan else " ", "yellow"),
        (DAPR_CALL.sub("", span.name), "red" if failed else ""),
        (f"  {facts}" if facts else "", "dim"),
    )


def _bar(span: Span, tree: TraceTree) -> Text:
    total = max(tree.end_ns - tree.start_ns, 1)
    start = min(int((span.start_ns - tree.start_ns) / total * BAR_CELLS), BAR_CELLS - 1)
    cells = max(1, min(round((span.end_ns - span.start_ns) / total * BAR_CELLS), BAR_CELLS - start))
    return Text(" " * start + "━" * cells, style=_colour(span.service))


def _colour(service: str) -> str:
    return COLOURS.get(service.removesuffix(".dapr"), "white") + (" dim" if service.endswith(".dapr") else "")


def _took(milliseconds: float) -> str:
    if milliseconds >= 1_000:
        return f"{milliseconds / 1_000:.2f} s"
    return f"{milliseconds:.1f} ms"


def _from_console(id: str, state_dir: Path) -> list[list[Span]] | None:
    """None where no console answers."""
    try:
        run = runfile.load(state_dir)
    except OperatorError:
        return None
    key = next((each.key for each in run.keys if "operator" in each.roles), None)
    if key is None:
        return None
    try:
        for path in _paths(id):
            answer = httpx.get(
                run.console_url.rstrip("/") + path,
                headers={"authorization": f"Bearer {key}"},
                timeout=CONSOLE_S_MAX,
                trust_env=False,
            )
            if answer.status_code == 200:
                body = answer.json()
                return [_spans(one) for one in body.get("traces", [body])]
            if answer.status_code != 404:
                return None
    except (httpx.TransportError, ValueError):
        return None
    return []


def _paths(id: str) -> Sequence[str]:
    if TRACE_ID.fullmatch(id.lower()):
        return (f"/api/traces/{id.lower()}",)
    named = httpx.URL("/").copy_with(path=f"/{id}").path.strip("/") if "/" not in id else ""
    if not named:
        return ()
    return (f"/api/turns/{named}/trace", f"/api/conversations/{named}/trace")


def _spans(view: dict[str, Any]) -> list[Span]:
    """Spans again out of the console's view, whose times count from the start of the trace."""
    return [
        Span(
            trace_id=view["trace_id"],
            span_id=one["span_id"],
            parent_id=one["parent_id"],
            name=one["name"],
            service=one["service"],
            start_ns=int(one["start_ms"] * 1e6),
            end_ns=int((one["start_ms"] + one["duration_ms"]) * 1e6),
            kind=one["kind"],
            status=one["status"],
            message=one["message"],
            attributes=one["attributes"],
        )
        for one in view["spans"]
    ]


def _store_file(state_dir: Path) -> Path:
    return Path(os.environ.get("SWITCHBOARD_DATA_DIR", str(state_dir / "data"))) / STORE_FILE


def _from_file(id: str, state_dir: Path) -> list[list[Span]]:
    path = _store_file(state_dir)
    if not path.is_file():
        raise OperatorError(f"There are no traces here ({path} does not exist): start a system with `switchboard up`.")
    try:
        store = SpanStore(path, read_only=True)
    except Unavailable as error:
        raise OperatorError(f"{path} cannot be read: {error.message}") from None
    try:
        if TRACE_ID.fullmatch(id.lower()):
            spans = store.trace(id)
            return [spans] if spans else []
        return store.traces_of("turn_id", id) or store.traces_of("conversation_id", id)
    finally:
        store.close()

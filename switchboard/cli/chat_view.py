"""An answer in the terminal, as its events come in."""

import json
import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

from switchboard.contracts.events import (
    AgentStarted,
    ApprovalRequired,
    Citation,
    MessageDelta,
    RouteDecided,
    ToolCalled,
    ToolReturned,
    TurnCancelled,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnReset,
)
from switchboard.contracts.money import usd_of

COLOURS = ("green", "dark_orange", "magenta", "cyan", "yellow", "blue")
FRONT_DESK = ("", "supervisor")
ARGUMENT_CHARACTERS_MAX = 100
SPAN_CHARACTERS_MAX = 160


class AnswerView:
    """Shows events in order. A status line with a spinner runs until the first words; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("Finding the right specialist", console=console)
        self._names: dict[str, str] = {}
        self._speaker: str | None = None
        self._said = ""
        self._at_line_start = True
        self._citations: dict[int, Citation] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def show(self, event: TurnEvent) -> None:
        """Takes one event."""
        match event:
            case RouteDecided(agents=agents) if len(agents) > 1:
                self._status.update(f"Asking {' and '.join(agents)}")
            case AgentStarted(agent=agent, name=name):
                self._names[agent] = name or agent
                self._status.update(f"{escape(self._names[agent])} is looking into it")
            case ToolCalled():
                self._tool_called(event)
            case ToolReturned():
                self._tool_returned(event)
            case ApprovalRequired():
                self._line(f"[yellow]⏸ Waits for approval:[/] {escape(event.reason)}")
            case MessageDelta():
                self._words(event)
            case Citation():
                self._citations[event.n] = event
            case TurnCompleted():
                self._completed(event)
            case TurnReset():
                self._reset(event)
            case TurnFailed():
                self._failed(event)
            case TurnCancelled():
                self._status.stop()
                self._end_line()
                self._line("[dim]Cancelled.[/]\n")
            case _:
                pass

    def _tool_called(self, event: ToolCalled) -> None:
        arguments = json.dumps(event.arguments, ensure_ascii=False) if event.arguments else ""
        self._line(
            f"  [{self._colour(event.agent)}]{self._name(event.agent)}[/] [dim]▸ {escape(event.name)} "
            f"{escape(arguments[:ARGUMENT_CHARACTERS_MAX])}[/]"
        )

    def _tool_returned(self, event: ToolReturned) -> None:
        mark = "[green]✓[/]" if event.ok else "[red]✗[/]"
        self._line(
            f"  [{self._colour(event.agent)}]{self._name(event.agent)}[/] {mark} "
            f"[dim]{escape(event.name)} {event.duration_ms:.0f} ms: {escape(_shortened(event.summary))}[/]"
        )

    def _words(self, event: MessageDelta) -> None:
        self._status.stop()
        text = event.text
        if event.agent != self._speaker:
            self._end_line()
            self._speaker = event.agent
            if event.agent not in FRONT_DESK:
                self._line(f"[bold {self._colour(event.agent)}]● {self._name(event.agent)}[/]")
                # A unified answer names each agent in a heading of its own; here the line above does.
                text = text.lstrip().removeprefix(f"**{self._names.get(event.agent, event.agent)}**").lstrip("\n")
        self._said += text
        self._write(text)

    def _completed(self, event: TurnCompleted) -> None:
        self._status.stop()
        self._end_line()
        if not self._said.strip() and event.text:
            self._line(escape(event.text))
        for citation in sorted({**self._citations, **{c.n: c for c in event.citations}}.values(), key=lambda c: c.n):
            span = " ".join(citation.span.split())[:SPAN_CHARACTERS_MAX]
            self._console.print(Text.assemble((f"  [{citation.n}] ", "cyan"), citation.title, (f"  “{span}”", "dim")))
        tokens = event.usage.prompt_tokens + event.usage.completion_tokens
        facts = [f"{event.duration_ms:.0f} ms", f"${usd_of(event.cost_picousd):.5f}", f"{tokens} tokens"]
        if event.cache_hit:
            facts.append("from cache")
        self._line(f"[dim]  {' · '.join(facts)} · trace {event.trace_id}[/]\n")

    def _reset(self, event: TurnReset) -> None:
        """What was printed cannot be taken back: the reader is told that it does not count."""
        self._end_line()
        if self._said.strip():
            self._line("[dim]The answer begins again:[/]")
        self._speaker, self._said = None, event.text
        self._citations = {citation.n: citation for citation in event.citations}
        if event.text:
            self._line(escape(event.text))

    def _failed(self, event: TurnFailed) -> None:
        self._status.stop()
        self._end_line()
        reference = f" [dim]({event.code}, trace {event.trace_id})[/]" if event.trace_id else f" [dim]({event.code})[/]"
        self._line(f"[bold red]✗[/] {escape(event.message)}{reference}\n")

    def _name(self, agent: str) -> str:
        return escape(self._names.get(agent, agent))

    def _colour(self, agent: str) -> str:
        known = list(dict.fromkeys([*self._names, agent]))
        return COLOURS[known.index(agent) % len(COLOURS)]

    def _line(self, markup: str) -> None:
        self._end_line()
        self._console.print(markup, soft_wrap=True)

    def _write(self, text: str) -> None:
        # Straight to the terminal: a rich line would end each piece with a line break.
        sys.stdout.write(text)
        sys.stdout.flush()
        self._at_line_start = text.endswith("\n") if text else self._at_line_start

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write("\n")


def _shortened(text: str) -> str:
    return text if len(text) <= ARGUMENT_CHARACTERS_MAX else f"{text[: ARGUMENT_CHARACTERS_MAX - 1]}…"

"""`switchboard chat`: a conversation in the terminal, or one question and its answer."""

import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from switchboard.cli.chat_api import ChatApi, Lost, Refused, TurnRefused
from switchboard.cli.chat_view import AnswerView
from switchboard.cli.exits import exit_on_error
from switchboard.contracts.errors import NotFound
from switchboard.contracts.events import TurnCompleted, TurnFailed, TurnStarted
from switchboard.system import runfile
from switchboard.system.errors import OperatorError

FAREWELLS = {"exit", "quit", "bye", "/exit", "/quit"}


def chat(
    question: Annotated[str | None, typer.Argument(help="Asked once; without it a conversation starts.")] = None,
    key: Annotated[str | None, typer.Option(help="API key, or the user it stands for; the first demo key.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the events as JSON lines.")] = False,
    api_url: Annotated[str | None, typer.Option(help="Another system's API instead of the one running here.")] = None,
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Chats with the running system. Exits 1 when the question is not answered."""
    with exit_on_error():
        url, used_key, who = _where(api_url, key, state_dir)
        console = Console(highlight=False)
        with ChatApi(url, used_key) as api:
            session = Session(api, console, conversation, json_lines=json)
            if question is not None:
                if not question.strip():
                    raise OperatorError('The question is empty: switchboard chat "Why is my bill higher?"')
                raise typer.Exit(0 if session.ask(question) else 1)
            _converse(session, console, who)


class Session:
    """The turns of one conversation."""

    def __init__(self, api: ChatApi, console: Console, conversation: str | None, *, json_lines: bool) -> None:
        self._api = api
        self._console = console
        self._json_lines = json_lines
        self.conversation = conversation

    def ask(self, message: str) -> bool:
        """Asks, shows the answer as it comes, and says whether there was one. Raises `OperatorError` when nothing runs."""
        view = AnswerView(self._console)
        answered = False
        try:
            with view:
                for event in self._api.events(message, self.conversation, uuid.uuid4().hex):
                    if isinstance(event, TurnStarted):
                        self.conversation = event.conversation_id
                    answered = isinstance(event, TurnCompleted)
                    if self._json_lines:
                        # Not print: a terminal's width must not break a line of JSON.
                        typer.echo(event.model_dump_json())
                    else:
                        view.show(event)
        except TurnRefused as refused:
            if refused.problem.code == NotFound.code and self.conversation:
                raise OperatorError(f"There is no conversation {self.conversation} of this user.") from None
            self._refuse(view, refused.problem)
        except Lost:
            raise OperatorError("The system does not answer any more: look at `switchboard up`.") from None
        return answered

    def _refuse(self, view: AnswerView, problem: Refused) -> None:
        failed = TurnFailed(code=problem.code, message=problem.message, trace_id=problem.trace_id)
        if self._json_lines:
            typer.echo(failed.model_dump_json())
        else:
            view.show(failed)


def _converse(session: Session, console: Console, who: str) -> None:
    console.print(f"[dim]You are {escape(who)}. An empty line or Ctrl-D ends the conversation.[/]\n")
    while True:
        try:
            message = console.input("[bold]You[/] ").strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        if not message or message.lower() in FAREWELLS:
            return
        try:
            session.ask(message)
        except KeyboardInterrupt:
            console.print("\n[dim]Stopped.[/]")


def _where(api_url: str | None, key: str | None, state_dir: Path) -> tuple[str, str, str]:
    """API URL, key, and whom the key stands for. Raises `OperatorError`."""
    if api_url is not None:
        if key is None:
            raise OperatorError("With --api-url say also which key to use: --key.")
        return api_url.rstrip("/"), key, "signed in with your own key"
    run = runfile.load(state_dir)
    chosen = next((each for each in run.keys if key is None or key in (each.key, each.user)), None)
    if chosen is not None:
        return run.api_url, chosen.key, f"{chosen.user} of {chosen.tenant}"
    if key is None:
        raise OperatorError("run.json names no demo key: say which to use with --key.")
    return run.api_url, key, "signed in with your own key"

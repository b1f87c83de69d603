"""The `switchboard` command. Each subcommand is a function in its own file, imported only when it runs."""

import importlib
import importlib.util
import os
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

# Linear algebra on one core, as the services run it: more threads make the small products of a single decision no faster,
# and much slower where the machine is busy. It is read when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = {
    "up": "switchboard.cli.up:up",
    "chat": "switchboard.cli.chat:chat",
    "trace": "switchboard.cli.trace:trace",
    "doctor": "switchboard.cli.doctor:doctor",
    "route": "switchboard.cli.route:route",
    "cost": "switchboard.cli.cost:cost",
}
AGENT_COMMANDS = {
    "new": "switchboard.cli.agent_new:new",
    "run": "switchboard.cli.agent_run:run",
}
KNOWLEDGE_COMMANDS = {
    "ingest": "switchboard.cli.kb.ingest:ingest",
    "search": "switchboard.cli.kb.search:search",
    "diff": "switchboard.cli.kb.diff:diff",
}
EVALUATION_COMMANDS = {
    "run": "switchboard.cli.eval.run:run",
    "diff": "switchboard.cli.eval.diff:diff",
    "ab": "switchboard.cli.eval.ab:ab",
    "add-from": "switchboard.cli.eval.add_from:add_from",
    "review": "switchboard.cli.eval.review:review",
    "routing": "switchboard.cli.eval.routing:routing",
    "retrieval": "switchboard.cli.eval.retrieval:retrieval",
    "cache": "evals.cache.command:cache",
    "blind": "evals.blind.command:blind",
}


class LazyGroup(TyperGroup):
    """Imports a command's module when the command is asked for: `up` need not wait for what `chat` imports."""

    commands_by_name: ClassVar[dict[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        return [*(name for name in self.commands_by_name if self._exists(name)), *super().list_commands(ctx)]

    def _exists(self, name: str) -> bool:
        try:
            return importlib.util.find_spec(self.commands_by_name[name].partition(":")[0]) is not None
        except ModuleNotFoundError:
            return False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands_by_name or not self._exists(cmd_name):
            return super().get_command(ctx, cmd_name)
        module, _, function = self.commands_by_name[cmd_name].partition(":")
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name=cmd_name)(getattr(importlib.import_module(module), function))
        return typer.main.get_command(single)


class RootCommands(LazyGroup):
    commands_by_name = COMMANDS


class AgentCommands(LazyGroup):
    commands_by_name = AGENT_COMMANDS


class KnowledgeCommands(LazyGroup):
    commands_by_name = KNOWLEDGE_COMMANDS


class EvaluationCommands(LazyGroup):
    commands_by_name = EVALUATION_COMMANDS


app = typer.Typer(
    name="switchboard",
    cls=RootCommands,
    help="A multi-agent customer-support system on Dapr.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
agent = typer.Typer(cls=AgentCommands, help="Make and run specialist agents.", no_args_is_help=True)
app.add_typer(agent, name="agent")
kb = typer.Typer(cls=KnowledgeCommands, help="Ingest, search and compare knowledge.", no_args_is_help=True)
app.add_typer(kb, name="kb")
evaluation = typer.Typer(
    cls=EvaluationCommands,
    help="Evaluate on the project's data or your own files; JSON on stdout.",
    no_args_is_help=True,
)
app.add_typer(evaluation, name="eval")


@app.callback()
def root() -> None:
    pass


@agent.callback()
@kb.callback()
@evaluation.callback()
def group_root() -> None:
    pass


if __name__ == "__main__":
    app()

"""The `switchboard` command. Each subcommand is a function in its own file, imported only when it runs."""

import importlib
import importlib.util
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

COMMANDS = {
    "up": "switchboard.cli.up:up",
    "chat": "switchboard.cli.chat:chat",
    "trace": "switchboard.cli.trace:trace",
    "doctor": "switchboard.cli.doctor:doctor",
}
AGENT_COMMANDS = {
    "new": "switchboard.cli.agent_new:new",
    "run": "switchboard.cli.agent_run:run",
}


class LazyGroup(TyperGroup):
    """Imports a command's module when the command is asked for: `up` need not wait for what `chat` imports."""

    commands_by_name: ClassVar[dict[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        return [*(name for name in self.commands_by_name if self._exists(name)), *super().list_commands(ctx)]

    def _exists(self, name: str) -> bool:
        return importlib.util.find_spec(self.commands_by_name[name].partition(":")[0]) is not None

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


@app.callback()
def root() -> None:
    pass


@agent.callback()
def agent_root() -> None:
    pass


if __name__ == "__main__":
    app()

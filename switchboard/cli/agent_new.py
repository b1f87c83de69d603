"""`switchboard agent new ID`: a folder with everything that a new specialist needs, working from the start."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from switchboard.cli.exits import exit_on_error
from switchboard.system.errors import OperatorError

TEMPLATE = Path(__file__).resolve().parents[1] / "agent" / "template"
SUFFIX = ".txt"
AGENT_ID = re.compile(r"^[a-z][a-z0-9-]{0,31}$")
MULTI_APP_FILE = Path("dapr.yaml")
FIRST_PORT = 8081
"""Of specialists; the ports of their sidecars keep the same distance."""
PORT_OFFSETS = {
    "appPort": 0,
    "daprHTTPPort": 3501 - 8081,
    "daprGRPCPort": 50002 - 8081,
    "daprInternalGRPCPort": 50102 - 8081,
}


def new(
    agent_id: Annotated[str, typer.Argument(help="The new agent's id: lower-case letters, digits and hyphens.")],
    into: Annotated[Path, typer.Option(help="The folder of services to put it into.")] = Path("services"),
) -> None:
    """Makes a new specialist: a card, a tool, an article and tests, ready to run."""
    console = Console(highlight=False)
    with exit_on_error():
        folder = into / agent_id.replace("-", "_")
        port = next_port(MULTI_APP_FILE)
        create(agent_id, folder)
        console.print(f"[green]✓[/] {folder} holds the agent {agent_id}.")
        if add_to_multi_app(MULTI_APP_FILE, agent_id, folder, port):
            console.print(f"[green]✓[/] {MULTI_APP_FILE} lists it, so `switchboard up` starts it too.")
        console.print(f"\nTry it:\n  pytest {folder}\n  switchboard agent run {folder}")


def create(agent_id: str, folder: Path) -> list[Path]:
    """Writes the files and gives their paths. Raises `OperatorError` for a bad id, or where something is already."""
    if not AGENT_ID.match(agent_id):
        raise OperatorError(
            f"'{agent_id}' is no agent id: use lower-case letters, digits and hyphens, and begin with a letter."
        )
    if folder.exists():
        raise OperatorError(f"{folder} is there already: choose another id, or remove the folder.")
    words = agent_id.split("-")
    tokens = {
        "AGENT_ID": agent_id,
        "AGENT_NAME": " ".join(words).capitalize(),
        "AGENT_CLASS": "".join(word.capitalize() for word in words),
    }
    written: list[Path] = []
    for template in sorted(TEMPLATE.rglob(f"*{SUFFIX}")):
        text = template.read_text(encoding="utf-8")
        for token, value in tokens.items():
            text = text.replace(token, value)
        path = folder / template.relative_to(TEMPLATE).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    for package in (folder, folder / "tests"):
        (package / "__init__.py").write_text("", encoding="utf-8")
    return written


def next_port(file: Path) -> int:
    """The first app port from FIRST_PORT whose whole set of ports no app of the file has. Raises `OperatorError`."""
    if not file.is_file():
        return FIRST_PORT
    used = {app.get(name) for app in _apps(file) for name in PORT_OFFSETS}
    for port in range(FIRST_PORT, FIRST_PORT + 400):
        if not used & {port + offset for offset in PORT_OFFSETS.values()}:
            return port
    raise OperatorError(f"{file} leaves no ports free.")


def add_to_multi_app(file: Path, agent_id: str, folder: Path, port: int) -> bool:
    """Lists the agent in the multi-app file, comments kept. False where there is no file, or it is for another folder."""
    root = file.resolve().parent
    if not file.is_file() or not folder.resolve().is_relative_to(root):
        return False
    if any(app.get("appID") == agent_id for app in _apps(file)):
        raise OperatorError(f"{file} lists an app '{agent_id}' already: remove that entry, or choose another id.")
    ports = "".join(f"    {name}: {port + offset}\n" for name, offset in PORT_OFFSETS.items())
    where = folder.resolve().relative_to(root).as_posix()
    entry = (
        f"  - appID: {agent_id}\n    appDirPath: .\n{ports}"
        f'    command: ["python", "-m", "switchboard.serve", "{where}"]\n    env:\n      APP_ID: {agent_id}\n'
    )
    # Appended as text: a YAML library would drop the file's comments.
    text = file.read_text(encoding="utf-8")
    file.write_text(text.rstrip("\n") + "\n" + entry, encoding="utf-8")
    return True


def _apps(file: Path) -> list[dict[str, Any]]:
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return list(content["apps"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise OperatorError(f"{file} cannot be read as a multi-app file: {error}") from error

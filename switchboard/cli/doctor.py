"""`switchboard doctor`: checks whether this machine can run the system, and says what to do where it cannot."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.exits import exit_on_error
from switchboard.system import multiapp, redis, runtime
from switchboard.system.errors import OperatorError
from switchboard.system.ports import holder, is_taken

DISK_FREE_BYTES_MIN = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    ok: bool
    detail: str
    optional: bool = False


def doctor(
    quiet: Annotated[bool, typer.Option("--quiet", help="Prints only what is wrong.")] = False,
    file: Annotated[Path, typer.Option(help="The list of apps.")] = Path("dapr.yaml"),
) -> None:
    """Checks this machine. Exit code 1 when something that is needed is missing."""
    console = Console(highlight=False)
    with exit_on_error():
        found = list(findings(file.resolve(), with_ports=not quiet))
    wrong = [finding for finding in found if not finding.ok and not finding.optional]
    if quiet:
        for finding in wrong:
            console.print(f"[bold red]✗[/] {finding.subject}: {finding.detail}", soft_wrap=True)
    else:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for finding in found:
            mark = "[green]✓[/]" if finding.ok else "[yellow]–[/]" if finding.optional else "[bold red]✗[/]"
            table.add_row(mark, finding.subject, finding.detail)
        console.print(table)
    if wrong:
        raise typer.Exit(1)


def findings(file: Path, *, with_ports: bool) -> Iterator[Finding]:
    """Everything that is checked. Raises `OperatorError` when `file` cannot be read."""
    definition = multiapp.read(file)
    project = file.parent
    yield _python()
    yield _packages(project)
    yield _dapr(project)
    yield _redis()
    free = shutil.disk_usage(project).free
    yield Finding("Disk", free >= DISK_FREE_BYTES_MIN, f"{free / 1e9:.1f} GB free (1 GB needed)")
    if with_ports:
        yield _ports(definition)
    node = shutil.which("node")
    yield Finding("Node", node is not None, node or "not installed: one integration test skips", optional=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    yield Finding("Chromium", chromium is not None, chromium or "not installed: the page's tests skip", optional=True)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", sys.version_info >= (3, 11), f"{version} (3.11 or newer needed)")


def _packages(project: Path) -> Finding:
    wrong = [name for name, version in locked(project).items() if version != _installed(name)]
    if wrong:
        return Finding(
            "Packages", False, f"{len(wrong)} differ from requirements.lock ({wrong[0]}, …): run `make setup`"
        )
    lock = hashlib.sha256((project / "requirements.lock").read_bytes()).hexdigest()[:10]
    return Finding("Packages", True, f"as in requirements.lock ({lock})")


def locked(project: Path) -> dict[str, str]:
    """Name → version of requirements.lock, without those that a marker keeps off some machines. Raises `OperatorError`."""
    try:
        lines = (project / "requirements.lock").read_text().splitlines()
    except OSError:
        raise OperatorError("requirements.lock is missing: run this in the project's folder.") from None
    pinned = [line.removesuffix(" \\") for line in lines if "==" in line and not line.startswith((" ", "#"))]
    return dict(line.split("==", 1) for line in pinned if ";" not in line)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name.partition("[")[0])
    except metadata.PackageNotFoundError:
        return None


def _dapr(project: Path) -> Finding:
    found = runtime.find(project)
    if found is not None:
        return Finding("Dapr", True, f"{found.version}, {found.daprd}")
    go = shutil.which("go")
    if go is None:
        return Finding("Dapr", False, "neither daprd 1.17+ nor Go 1.26+ is installed: install one of them")
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout.strip()
    return Finding("Dapr", True, f"not built yet; `switchboard up` builds it once with {version}")


def _redis() -> Finding:
    try:
        found = redis.program()
        name, port = redis.split(os.environ.get("SWITCHBOARD_REDIS_HOST", redis.DEFAULT_HOST))
    except OperatorError as problem:
        return Finding("Redis", False, str(problem))
    return Finding("Redis", os.access(found.path, os.X_OK), f"for {name}:{port}: {found.told}")


def _ports(definition: multiapp.MultiApp) -> Finding:
    wanted = {
        port: app.app_id for app in definition.apps for port in (app.app_port, app.dapr_http_port, app.dapr_grpc_port)
    }
    taken = [
        f"{port} ({name}) by {holder(port) or 'another process'}" for port, name in wanted.items() if is_taken(port)
    ]
    if taken:
        detail = f"taken: {', '.join(taken[:3])}{'…' if len(taken) > 3 else ''}; a running system, or use --free-ports"
        return Finding("Ports", False, detail, optional=True)
    return Finding("Ports", True, f"all {len(wanted)} are free")

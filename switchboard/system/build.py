"""Builds the Dapr runtime from its pinned Go modules, once a machine."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from switchboard.system import runtime
from switchboard.system.errors import OperatorError
from switchboard.system.runtime import BINARIES, STAMP, VERSION, Runtime

GO_OLDEST = (1, 26)
DISK_FREE_BYTES_MIN = 6_000_000_000
"""The Go caches take 5 GB while it builds (DESIGN §5), the binaries 0.3."""
PACKAGES_ABOUT = 1_900
"""Packages in the build, for the progress bar only."""
LDFLAGS = f"-s -w -X github.com/dapr/dapr/pkg/buildinfo.version={VERSION}"


def ensure(project: Path, console: Console) -> Runtime:
    """The runtime to use: installed, built before, or built now. Raises `OperatorError`."""
    if found := runtime.find(project):
        return found
    folder = runtime.bin_dir(project)
    _check_machine(folder)
    with _lock(folder, console):
        if found := runtime.find(project):
            return found
        _build(project, folder, console)
    done = runtime.built(project)
    if done is None:
        raise OperatorError(f"Dapr was built but {folder} is not complete: delete that folder and try again.")
    return done


def _check_machine(folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise OperatorError(
            "Neither daprd 1.17+ nor Go is installed: install Go 1.26 or newer (go.dev/dl), or the Dapr CLI, and try again."
        )
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=False).stdout
    match = re.match(r"go(\d+)\.(\d+)", answer.strip())
    if match is None or (int(match[1]), int(match[2])) < GO_OLDEST:
        raise OperatorError(
            f"Go is too old ({answer.strip() or 'unknown version'}): Dapr {VERSION} needs Go 1.26 or newer."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"{folder} cannot be created ({error.strerror}): set SWITCHBOARD_BIN_DIR to a folder that can."
        ) from None
    for place in (folder, _go_cache(go)):
        free = shutil.disk_usage(place).free
        if free < DISK_FREE_BYTES_MIN:
            raise OperatorError(
                f"The disk of {place} has {free / 1e9:.1f} GB free, and building Dapr takes 6 GB: free some space, "
                "or set GOCACHE and GOMODCACHE to another disk."
            )


def _go_cache(go: str) -> Path:
    """The nearest existing folder of Go's build cache."""
    answer = subprocess.run([go, "env", "GOCACHE"], capture_output=True, text=True, timeout=60, check=False).stdout
    place = Path(answer.strip() or "/")
    while not place.exists():
        place = place.parent
    return place


@contextmanager
def _lock(folder: Path, console: Console) -> Generator[None]:
    """One build at a time into a folder; a second run waits for the first and then uses what it built."""
    with (folder / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("Another run is building Dapr: waiting for it…")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(project: Path, folder: Path, console: Console) -> None:
    draft = folder / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    commands = ["./daprd", *(f"github.com/dapr/dapr/cmd/{name}" for name in BINARIES if name != "daprd")]
    process = subprocess.Popen(
        [
            "go",
            "build",
            "-v",
            "-trimpath",
            "-ldflags",
            LDFLAGS,
            "-o",
            f"{draft}/",
            *commands,
        ],
        cwd=runtime.modules(project),
        env=os.environ | {"CGO_ENABLED": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        lines = _watch(process, console)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    if process.wait() != 0:
        raise OperatorError(_reason(lines))
    for name in BINARIES:
        (draft / name).replace(folder / name)
    (folder / STAMP).write_text(runtime.fingerprint(project) + "\n")
    shutil.rmtree(draft, ignore_errors=True)


def _watch(process: "subprocess.Popen[str]", console: Console) -> list[str]:
    """Shows the build's progress; the last 50 lines that were not progress."""
    assert process.stderr is not None
    other: list[str] = []
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[now]}"),
        TimeElapsedColumn(),
    )
    if not console.is_terminal:
        console.print(f"Building Dapr {VERSION} from its Go modules, once: about 5 minutes on 2 cores…")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"Building Dapr {VERSION} (once)", total=PACKAGES_ABOUT, now="downloading modules")
        count = downloads = 0
        for line in process.stderr:
            line = line.strip()
            if line.startswith("go: downloading"):
                downloads += 1
                progress.update(task, now=f"{downloads} modules downloaded")
            elif re.fullmatch(r"[\w.\-~/+]+", line):
                count += 1
                progress.update(task, completed=min(count, PACKAGES_ABOUT), now=f"{count} packages compiled")
                if not console.is_terminal and count % 500 == 0:
                    console.print(f"  {count} packages compiled")
            elif line:
                other = [*other[-49:], line]
    return other


def _reason(lines: list[str]) -> str:
    text = "\n".join(lines)
    if "no space left on device" in text:
        return "The disk is full, so Dapr could not be built: free 6 GB and try again."
    if re.search(r"dial tcp|no such host|timeout|connection refused|proxyconnect|TLS handshake", text, re.IGNORECASE):
        return "Go could not download Dapr's modules: check the network or GOPROXY, and try again."
    last = lines[-1] if lines else "no output"
    return f"Building Dapr failed ({last[:200]}): try again, or install daprd 1.17+ with the Dapr CLI."


if __name__ == "__main__":
    terminal = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        ensure(Path.cwd(), terminal)
    except OperatorError as error:
        terminal.print(f"[bold red]✗[/] {error}")
        sys.exit(1)

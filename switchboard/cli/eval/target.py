"""Which system an evaluation judges: the one that runs here, another one by its address, or one of its own."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from switchboard.evaluation.golden.run import SystemUnderTest
from switchboard.system import runfile
from switchboard.system.errors import OperatorError
from switchboard.system.runfile import Key, RunFile


@contextmanager
def system_to_judge(
    state_dir: Path, *, start: bool, environment: Mapping[str, str] | None = None
) -> Generator[RunFile]:
    """The running system's run file; with `start`, that of a fresh system that lives as long as the block.

    `environment` is the fresh system's.

    Raises `OperatorError`.
    """
    if not start:
        yield runfile.load(state_dir)
        return
    from switchboard.testing.system import System, app_names

    with System(apps=app_names(), environment=environment) as system:
        yield system.run


def target_of(run: RunFile) -> SystemUnderTest:
    return SystemUnderTest(run.api_url, keys_by_user(run.keys))


def keys_by_user(keys: list[Key]) -> dict[str, str]:
    """The key of each user, as `tenant/user`."""
    return {f"{each.tenant}/{each.user}": each.key for each in keys}


def written(path: Path, text: str) -> Path:
    """Writes a file in one step, with its folders. Raises `OperatorError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}.") from error
    return path

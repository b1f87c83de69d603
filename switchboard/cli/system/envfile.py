"""Settings from a file of NAME=value lines."""

import os
from pathlib import Path

from dotenv import dotenv_values

from switchboard.cli.problem import Problem


def read_env_file(path: Path | None) -> dict[str, str]:
    """What the file sets and the environment does not; of `.env` when `path` is None. Raises `Problem`."""
    if path is not None and not path.is_file():
        raise Problem(f"There is no settings file {path}.")
    values = dotenv_values(path or Path(".env"))
    return {name: value for name, value in values.items() if value is not None and name not in os.environ}

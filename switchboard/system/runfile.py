"""`run.json`: where a running system is, for other programs."""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from switchboard.system.errors import OperatorError


class Key(BaseModel):
    """A demo API key and whom it stands for."""

    key: str
    tenant: str
    user: str
    tier: str = "free"
    roles: list[str] = Field(default_factory=list)


class Process(BaseModel):
    name: str
    """`billing`, `billing-2` (second replica), `billing.dapr` (its sidecar), `redis`."""
    kind: Literal["app", "sidecar", "infrastructure"]
    app_id: str | None
    pid: int
    ports: dict[str, int]


class RunFile(BaseModel):
    """Readable by its owner alone: it holds the run's secrets."""

    api_url: str
    console_url: str
    gateway_url: str
    otlp_url: str
    keys: list[Key]
    processes: list[Process]
    instance: str = ""
    """What ends this system's app ids, so that two systems on one network stay apart."""
    gateway_app_id: str = "gateway"
    redis_host: str
    placement_host: str | None = None
    scheduler_host: str | None = None
    is_demo: bool = True
    redis_password: str = Field(default="", repr=False)
    otlp_token: str = Field(default="", repr=False)
    gateway_key: str = Field(default="", repr=False)
    """For a program of this machine that calls the gateway itself."""
    state_dir: str
    pid: int
    """The process that started the others."""

    def save(self, path: Path) -> None:
        """Replaces the file in one step: a reader sees the old one or the new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(self.model_dump_json(indent=2) + "\n")
        draft.replace(path)

    def process(self, name: str) -> Process:
        """Raises `KeyError`."""
        for process in self.processes:
            if process.name == name:
                return process
        raise KeyError(name)


def load(state_dir: Path) -> RunFile:
    """The run file of a system that runs now. Raises `OperatorError` when none does."""
    path = state_dir / "run.json"
    try:
        run = RunFile.model_validate_json(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise OperatorError(
            f"No system is running here ({path} does not exist): start one with `switchboard up`."
        ) from None
    except ValidationError:
        raise OperatorError(
            f"{path} cannot be read: delete it and start the system again with `switchboard up`."
        ) from None
    if not is_alive(run.pid):
        raise OperatorError("The system is not running any more: start it with `switchboard up`.")
    return run


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

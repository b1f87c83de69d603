"""What a system to start consists of, and who is told how its start goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from switchboard.system import redis

READY_S = 90.0
"""The first start compiles Python modules and may share two cores with a build."""


class Watcher(Protocol):
    """Is told what happens to the processes; may be called from several threads."""

    def starting(self, name: str) -> None: ...

    def ready(self, name: str, seconds: float) -> None: ...

    def died(self, name: str, exit_code: int, tail: str, restart_in_s: float | None) -> None:
        """`restart_in_s` is None when it is not started again."""
        ...


class Silent:
    """A watcher that says nothing."""

    def starting(self, name: str) -> None: ...

    def ready(self, name: str, seconds: float) -> None: ...

    def died(self, name: str, exit_code: int, tail: str, restart_in_s: float | None) -> None: ...


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """What to start, where."""

    project: Path
    state_dir: Path
    instance: str = ""
    free_ports: bool = False
    apps: Sequence[str] | None = None
    """Ids of dapr.yaml; None is all of them."""
    replicas: Mapping[str, int] = field(default_factory=dict[str, int])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    redis_host: str = redis.DEFAULT_HOST
    otlp_url: str | None = None
    """Where spans go; None is the console of this system."""
    is_demo: bool = True
    """Whether the demo company's public keys are good; otherwise the system has keys of its own."""
    workflows: bool = True
    """Start placement and scheduler where the runtime has them."""
    supervise: bool = True
    """Start again what dies."""
    multi_app: Path = Path("dapr.yaml")
    """Relative to `project`."""
    ready_s: float = READY_S

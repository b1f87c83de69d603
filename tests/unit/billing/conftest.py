from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from shutil import copy

import pytest

from services.billing.tools import BillingTools
from switchboard.agent import AgentSettings, ToolContext
from switchboard.contracts.turns import Principal
from switchboard.demo.company import TODAY

Context = Callable[..., ToolContext]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled database: filling takes longer than a test."""
    directory = tmp_path_factory.mktemp("billing")
    BillingTools.open(AgentSettings(data_dir=directory, demo_today=TODAY))
    return directory / "billing.sqlite"


@pytest.fixture
def tools(seeded: Path, tmp_path: Path) -> BillingTools:
    """Tools over a book of the test's own."""
    copy(seeded, tmp_path / seeded.name)
    return BillingTools.open(AgentSettings(data_dir=tmp_path, demo_today=TODAY))


@pytest.fixture
def context() -> Iterator[Context]:
    """Contexts of turns of their own; Ada of aurora unless another customer is named."""
    numbers = count(1)

    def make(user: str = "C-10001", tenant: str = "aurora", message: str = "", call_id: str = "call-1") -> ToolContext:
        turn_id = f"conv.{next(numbers)}"
        return ToolContext(Principal(tenant=tenant, user=user), turn_id, call_id, "conv", message)

    yield make

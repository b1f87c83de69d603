from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from services.billing.tools import BillingTools
from switchboard.agent import AgentSettings, ToolContext
from switchboard.contracts.turns import Principal

Context = Callable[..., ToolContext]


@pytest.fixture
def tools(tmp_path: Path) -> BillingTools:
    return BillingTools.open(AgentSettings(data_dir=tmp_path))


@pytest.fixture
def context() -> Iterator[Context]:
    """Contexts of turns of their own; Ada of aurora unless another customer is named."""
    numbers = count(1)

    def make(user: str = "C-10001", tenant: str = "aurora", message: str = "", call_id: str = "call-1") -> ToolContext:
        turn_id = f"conv.{next(numbers)}"
        return ToolContext(Principal(tenant=tenant, user=user), turn_id, call_id, "conv", message)

    yield make

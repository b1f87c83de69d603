"""The operator's documents name everything that can be set."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from services.gateway.policy.models import Policy
from services.gateway.settings import Settings
from tools.simulated_provider.faults import Fault
from tools.simulated_provider.profile import Profile

DOCS = "\n".join(path.read_text() for path in sorted(Path("docs").glob("*.md")))


def models_of(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_of(part)


def keys_of(model: type[BaseModel]) -> set[str]:
    keys = set(model.model_fields)
    for field in model.model_fields.values():
        for inner in models_of(field.annotation):
            keys |= keys_of(inner)
    return keys


@pytest.mark.parametrize("model", [Policy, Fault, Profile])
def test_every_key_is_described(model: type[BaseModel]):
    missing = sorted(key for key in keys_of(model) if not re.search(rf"\b{key}\b", DOCS))
    assert not missing


def test_every_setting_of_the_gateways_own_is_described():
    names = [str(field.validation_alias) for field in Settings.model_fields.values()]
    assert not [name for name in names if name.startswith("SWITCHBOARD_") and name not in DOCS]

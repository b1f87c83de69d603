"""Reads a YAML file that an operator or an agent team writes: what is wrong in it is told by its name and place."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from switchboard.contracts.errors import BadConfiguration

Shape = TypeVar("Shape")


def read_yaml(path: Path, shape: TypeAdapter[Shape]) -> Shape:
    """What the file holds; an empty one is an empty mapping. Raises `BadConfiguration`."""
    try:
        written: Any = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        return shape.validate_python(written or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadConfiguration(f"{path} is wrong at '{where}': {first['msg']}.") from error

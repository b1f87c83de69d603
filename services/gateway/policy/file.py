"""Reads `gateway.yaml`, and says in which line it is wrong."""

from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError

from services.gateway.policy.models import Location, Policy
from switchboard.contracts.errors import BadConfiguration

BYTES_MAX = 1024 * 1024


def load_policy(path: Path) -> Policy:
    """Raises `BadConfiguration` with the line and the field that are wrong."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise BadConfiguration(f"The gateway's policy {path.name} is larger than 1 MiB.")
        return parse_policy(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"The gateway's policy {path.name} cannot be read: {error}") from error


def parse_policy(text: str, name: str) -> Policy:
    """`name` is the file's, for messages."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_twice(root, name)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or error
        raise BadConfiguration(f"The gateway's policy {name} cannot be read{line}: {problem}") from error
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(name, root, first["loc"], _sentence(first["msg"]))
    for location, message in policy.faults():
        _refuse(name, root, location, message)
    return policy


def _refuse(name: str, root: yaml.Node | None, location: Location, message: str) -> NoReturn:
    line, known = _line_of(root, location)
    where = ".".join(str(part) for part in known) or "top level"
    raise BadConfiguration(f"The gateway's policy {name} is wrong in line {line}, at '{where}': {message}")


def _line_of(node: yaml.Node | None, location: Location) -> tuple[int, Location]:
    """The line (from 1) of a place in the file, and the part of the place that is in the file."""
    line = node.start_mark.line + 1 if node is not None else 1
    known: list[str | int] = []
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                # The key is missing, or pydantic's own step (`[key]`, a union's member): the line is the parent's.
                if isinstance(part, str) and not part.startswith("["):
                    known.append(part)
                continue
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1 if node is not None else line
        elif isinstance(node, yaml.SequenceNode):
            continue  # the short form of an alias: the list stands for its `deployments`
        else:
            break
        known.append(part)
    return line, tuple(known)


def _refuse_twice(node: yaml.Node | None, name: str) -> None:
    """YAML lets the last of two equal keys win in silence."""
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise BadConfiguration(
                    f"The gateway's policy {name} is wrong in line {line}: '{key.value}' is there twice."
                )
            seen.add(key.value)
            _refuse_twice(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_twice(each, name)


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")

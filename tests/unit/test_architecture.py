"""docs/architecture.md names files and folders that there are, and every room."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
NAMED = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")
TOP = {path.name for path in ROOT.iterdir()}


def paths() -> list[str]:
    """What is written as code and is a file of the project or begins with one of its folders; a bare word is a command."""
    named = dict.fromkeys(NAMED.findall(TEXT))
    return [
        name for name in named if name.split("/")[0] in TOP and ("/" in name or "." in name or name == "Dockerfile")
    ]


def test_every_file_and_folder_that_is_named_is_there() -> None:
    missing = [
        path for path in paths() if not ((ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file())
    ]
    assert not missing


def test_names_are_found_at_all() -> None:
    assert len(paths()) > 60


@pytest.mark.parametrize("folder", ["switchboard", "services"])
def test_every_room_is_named(folder: str) -> None:
    rooms = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
    assert not {room for room in rooms if f"`{folder}/{room}/`" not in TEXT}

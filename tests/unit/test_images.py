"""A service's image carries the rooms of the library that the service imports, and no others."""

import re
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

ROOT = Path(__file__).parents[2]
STAGE = re.compile(r"^FROM (\S+) AS (\S+)$", re.MULTILINE)
COPIED = re.compile(r"^COPY switchboard/(\w+) ", re.MULTILINE)
BUILDS: dict[str, dict[str, Any]] = {
    name: service["build"]
    for name, service in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].items()
    if "build" in service
}
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/app.py"))


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("switchboard", "services")


def rooms_of(imports: grimp.ImportGraph, package: str) -> set[str]:
    """The rooms that the modules of `package` import, directly or not."""
    needed = {module for module in imports.modules if module == package or module.startswith(f"{package}.")}
    for module in tuple(needed):
        needed |= imports.find_upstream_modules(module)
    return {module.split(".")[1] for module in needed if module.startswith("switchboard.")}


def rooms_in(target: str) -> set[str]:
    """The rooms that a stage of the Dockerfile copies, with the stages it is built on."""
    text = (ROOT / "Dockerfile").read_text()
    found = list(STAGE.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    stages = {match[2]: (match[1], text[match.end() : end]) for match, end in zip(found, ends, strict=True)}
    rooms: set[str] = set()
    while target in stages:
        target, lines = stages[target]
        rooms |= set(COPIED.findall(lines))
    return rooms


def test_every_service_has_an_image() -> None:
    assert sorted(BUILDS) == SERVICES
    assert {"supervisor", "billing", "tech", "product", "gateway", "console"} <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_carries_what_its_service_imports(imports: grimp.ImportGraph, service: str) -> None:
    assert BUILDS[service]["args"]["SERVICE"] == service
    assert rooms_in(BUILDS[service]["target"]) == rooms_of(imports, f"services.{service}") - {"serve"}


def test_the_image_of_a_new_agent_carries_what_every_agent_imports(imports: grimp.ImportGraph) -> None:
    assert rooms_in("specialist") == rooms_of(imports, "switchboard.agent") - {"serve"}

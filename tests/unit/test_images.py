"""A service's image carries the rooms of the library that the service imports, and no others."""

import re
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/Dockerfile"))
COPIED = re.compile(r"COPY switchboard/(\w+) ")


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("switchboard", "services")


def rooms_of(imports: grimp.ImportGraph, package: str) -> set[str]:
    """The rooms that the modules of `package` import, directly or not."""
    needed = {module for module in imports.modules if module == package or module.startswith(f"{package}.")}
    for module in tuple(needed):
        needed |= imports.find_upstream_modules(module)
    return {module.split(".")[1] for module in needed if module.startswith("switchboard.")}


def test_there_are_services_to_look_at() -> None:
    assert {"supervisor", "billing", "tech", "product", "gateway", "console"} <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_carries_what_its_service_imports(imports: grimp.ImportGraph, service: str) -> None:
    dockerfile = (ROOT / "services" / service / "Dockerfile").read_text()
    assert set(COPIED.findall(dockerfile)) == rooms_of(imports, f"services.{service}") - {"serve"}


def test_the_image_of_a_new_agent_carries_what_every_agent_imports(imports: grimp.ImportGraph) -> None:
    dockerfile = (ROOT / "switchboard" / "agent" / "template" / "Dockerfile.txt").read_text()
    assert set(COPIED.findall(dockerfile)) == rooms_of(imports, "switchboard.agent") - {"serve"}

"""Our own build of the sidecar: what it can load, and when it is made anew."""

import re
import shutil
from pathlib import Path

import yaml

from switchboard.system import runtime

ROOT = Path(__file__).parents[3]
REGISTERED = re.compile(r"(\w+)\.DefaultRegistry\.Register(?:Component|OutputBinding)\([\w.]+, \"([\w.]+)\"\)")


def test_the_sidecar_that_we_build_has_the_components_of_this_system_and_no_others():
    source = (runtime.modules(ROOT) / "daprd" / "components.go").read_text()
    registered = {f"{kind}.{name}" for kind, name in REGISTERED.findall(source)}
    assert registered == _used() | {"nameresolution.mdns"}


def test_another_main_of_the_sidecar_is_another_build(tmp_path: Path):
    shutil.copytree(runtime.modules(ROOT), runtime.modules(tmp_path))
    before = runtime.fingerprint(tmp_path)
    (runtime.modules(tmp_path) / "daprd" / "components.go").write_text("package main\n")
    assert runtime.fingerprint(tmp_path) != before


def _used() -> set[str]:
    documents = (
        document for path in (ROOT / "components").rglob("*.y*ml") for document in yaml.safe_load_all(path.read_text())
    )
    return {document["spec"]["type"] for document in documents if document and document["kind"] == "Component"}

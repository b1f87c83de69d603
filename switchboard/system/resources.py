"""The Dapr resources of one run: a copy of the project's, with this run's app ids in the resiliency targets."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml


def render(sources: Sequence[Path], target: Path, app_ids: Mapping[str, str]) -> Path:
    """Copies every YAML file of `sources` to `target`; `app_ids` maps the ids in them to the run's."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source in sources:
        for path in sorted(source.glob("*.y*ml")):
            documents: list[Any] = [renamed(document, app_ids) for document in yaml.safe_load_all(path.read_text())]
            (target / path.name).write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return target


def renamed(document: Any, app_ids: Mapping[str, str]) -> Any:
    """A resource with its scopes and resiliency targets under this run's app ids."""
    if not isinstance(document, dict):
        return document
    resource = cast("dict[str, Any]", document)
    if scopes := cast("list[str]", resource.get("scopes", [])):
        resource["scopes"] = [app_ids.get(app, app) for app in scopes]
    targets = cast("dict[str, Any]", resource.get("spec", {}).get("targets", {}))
    if apps := cast("dict[str, Any]", targets.get("apps", {})):
        targets["apps"] = {app_ids.get(app, app): policy for app, policy in apps.items()}
    return resource

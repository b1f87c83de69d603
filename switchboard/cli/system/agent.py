"""One more agent, from a folder that dapr.yaml does not list."""

from pathlib import Path
from typing import Any

import yaml

from switchboard.cli.problem import Problem
from switchboard.cli.system.multiapp import App


def agent_id(folder: Path) -> str:
    """The id in the folder's agent.yaml. Raises `Problem`."""
    card = folder / "agent.yaml"
    try:
        content: Any = yaml.safe_load(card.read_text())
        return str(content["id"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise Problem(
            f"{card} is missing or has no id, so {folder} is not an agent: make one with `switchboard agent new`."
        ) from None


def agent_app(folder: Path) -> App:
    """The folder as an app of the multi-app format; its ports are placeholders, to be chosen when it starts."""
    return App.model_validate(
        {
            "appID": agent_id(folder),
            "appPort": 1,
            "daprHTTPPort": 1,
            "daprGRPCPort": 1,
            "daprInternalGRPCPort": 1,
            "command": ["python", "-m", "switchboard.serve", str(folder.resolve())],
        }
    )

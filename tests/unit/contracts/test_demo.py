"""Outside a demo nothing is started with a secret that anybody can read, or without one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from switchboard.contracts.demo import check_secrets
from switchboard.contracts.errors import BadConfiguration

OWN = {"APP_API_TOKEN": "own-token"}


@pytest.mark.parametrize(
    "environment",
    [
        {"SWITCHBOARD_DEMO": "1"},
        {"SWITCHBOARD_DEMO": "true", "APP_API_TOKEN": "demo-app-token"},
        OWN,
        {**OWN, "SWITCHBOARD_DEMO": "0", "SWITCHBOARD_GATEWAY_KEYS": "one,two"},
    ],
)
def test_a_demo_may_have_public_secrets_and_the_rest_own_ones(environment: dict[str, str]) -> None:
    check_secrets(environment)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "APP_API_TOKEN"),
        ({"SWITCHBOARD_DEMO": "0"}, "APP_API_TOKEN"),
        ({"APP_API_TOKEN": "demo-app-token"}, "APP_API_TOKEN"),
        ({**OWN, "SWITCHBOARD_OTLP_TOKEN": "demo-otlp-token"}, "SWITCHBOARD_OTLP_TOKEN"),
        ({**OWN, "SWITCHBOARD_GATEWAY_KEYS": "one, demo-two"}, "SWITCHBOARD_GATEWAY_KEYS"),
    ],
)
def test_elsewhere_what_is_missing_or_public_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(BadConfiguration, match=rf"{named} is .* set .*SWITCHBOARD_DEMO=1"):
        check_secrets(environment)


def test_a_service_does_not_start_without_its_secret(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("raise AssertionError('loaded')")
    kept = {name: value for name, value in os.environ.items() if name not in ("SWITCHBOARD_DEMO", "APP_API_TOKEN")}
    ended = subprocess.run(
        [sys.executable, "-m", "switchboard.serve", str(tmp_path)],
        env={**kept, "APP_PORT": "0"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith("APP_API_TOKEN is not set")

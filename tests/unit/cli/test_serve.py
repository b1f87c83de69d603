"""`switchboard.serve` tells what is wrong with a service in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIFESPAN = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from switchboard.contracts.errors import BadConfiguration

@asynccontextmanager
async def lifespan(_):
    raise {error}
    yield

app = FastAPI(lifespan=lifespan)
"""


def served(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "switchboard.serve", str(folder)],
        env={**os.environ, "APP_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "source",
    [
        LIFESPAN.format(error="BadConfiguration('The article is wrong.')"),
        "from switchboard.contracts.errors import BadConfiguration\nraise BadConfiguration('The article is wrong.')",
    ],
)
def test_a_bad_configuration_is_told_in_one_sentence(tmp_path: Path, source: str) -> None:
    ended = served(tmp_path, source)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip().splitlines()[-1] == "The article is wrong."


def test_another_failure_at_start_keeps_its_traceback(tmp_path: Path) -> None:
    ended = served(tmp_path, LIFESPAN.format(error="ValueError('a bug')"))
    assert ended.returncode not in (0, 2)
    assert "Traceback" in ended.stderr
    assert "a bug" in ended.stderr

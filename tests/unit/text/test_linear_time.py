"""What users write is read in time that grows with its length, and no faster."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(600)
def test_hostile_texts_are_read_before_the_kernel_kills_the_reader() -> None:
    """A pattern that backtracks is named by the last line: the process is killed while it reads."""
    child = subprocess.run(
        [sys.executable, Path(__file__).with_name("hostile_texts.py")], capture_output=True, text=True, cwd=ROOT
    )
    last = child.stdout.splitlines()[-1:] or [""]
    assert child.returncode == 0, f"ended with {child.returncode} at: {last[0]}\n{child.stderr[-2_000:]}"
    assert last[0].endswith("done")

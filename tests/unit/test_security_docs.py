"""docs/security.md: every row of what holds names a test that there is."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "security.md").read_text().partition("## What holds")[2].partition("\n## ")[0]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
TEST = re.compile(r"`(tests/[\w/]{1,100}\.py)::(test_\w{1,200})` \|$")


def test_every_row_names_a_test_that_there_is() -> None:
    assert len(ROWS) > 25
    for row in ROWS:
        named = TEST.search(row)
        assert named, f"no test: {row}"
        tree = ast.parse((ROOT / named[1]).read_text())
        tests = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert named[2] in tests, f"{named[1]} has no {named[2]}"

"""What a run file tells of keys: those that anybody may know, and no other."""

from pathlib import Path

import pytest

from switchboard.system.errors import OperatorError
from switchboard.system.stack import public_keys

FILE = """
keys:
  - {key: demo-ada, tenant: aurora, user: C-1}
  - {key: own-secret-key, tenant: aurora, user: C-2}
  - {sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, tenant: aurora, user: C-3}
"""


def test_only_public_keys_are_written_down(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(FILE)
    assert [each.key for each in public_keys(file)] == ["demo-ada"]
    assert public_keys(tmp_path / "none.yaml") == []


@pytest.mark.parametrize("text", ["keys", "keys: 7", "keys: [7]", "keys: [{key: demo-ada}]", "["])
def test_a_file_that_is_no_list_of_keys_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(text)
    with pytest.raises(OperatorError, match="is not a list of keys"):
        public_keys(file)

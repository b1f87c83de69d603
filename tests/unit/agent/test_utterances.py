from pathlib import Path

import pytest

from switchboard.agent.utterances import NONE, read_utterances
from switchboard.contracts.errors import BadConfiguration

FUNCTION = {"type": "function", "function": {"name": "renew", "description": "", "parameters": {"type": "object"}}}


def test_a_tool_is_shown_with_what_people_say(tmp_path: Path):
    (tmp_path / "utterances.yaml").write_text("renew: [longer please]\n'renew:not': [did you renew it]\n")
    parameters = read_utterances(tmp_path, {"renew"}).added_to(FUNCTION)["function"]["parameters"]
    assert parameters == {"type": "object", "x-utterances": ["longer please"], "x-not": ["did you renew it"]}
    assert NONE.added_to(FUNCTION) == FUNCTION
    assert read_utterances(tmp_path / "nowhere", ()) == NONE


def test_a_tool_that_is_not_there_is_named(tmp_path: Path):
    (tmp_path / "utterances.yaml").write_text("'borrow:not': [x]\n")
    with pytest.raises(BadConfiguration, match="borrow"):
        read_utterances(tmp_path, {"renew"})

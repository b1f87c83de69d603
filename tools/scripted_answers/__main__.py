"""An OpenAI-protocol server in a process of its own that answers with the cases of `evals.grounding`.

    python -m tools.scripted_answers --port 9010

A user's message that begins with `[<name of a case>]` (`spoken`) is answered as the case's model did: first the tools are called that it
called (`look_up`, and those that changed something), then the written answer is streamed word by word. Asked to write it
again, it writes the same again: the most stubborn of models.
"""

import argparse
import re
from collections.abc import Mapping
from typing import Any

import uvicorn

from evals.grounding.cases import GroundingCase, load_cases
from switchboard.testing.scripted_model import ScriptedCall, ScriptedModel, Step, build_app

LOOK_UP = "look_up"
CASE = re.compile(r"^\[(\w+)\]")
_LETTERS = str.maketrans("0123456789", "abcdefghij")


def spoken(case_id: str) -> str:
    """A case's name in a message: its id without figures, which an answer could rest on."""
    return case_id.translate(_LETTERS)


class WrittenAnswers(ScriptedModel):
    """The model behind the server."""

    def __init__(self, cases: Mapping[str, GroundingCase]) -> None:
        super().__init__()
        self._cases = cases

    def next_step(self, body: Mapping[str, Any]) -> Step:
        messages: list[Mapping[str, Any]] = body["messages"]
        said = [CASE.match(str(each["content"])) for each in messages if each["role"] == "user"]
        name = next((match[1] for match in reversed(said) if match), None)
        if name is None:
            return Step(text="Which case do you mean?")
        case = self._cases[name]
        if not any(each.get("tool_calls") or each["role"] == "tool" for each in messages) and len(said) == 1:
            tools = [LOOK_UP, *case.deeds]
            return Step(tool_calls=[ScriptedCall(name=tool, arguments={"case": name}) for tool in tools])
        return Step(text=case.answer)


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-protocol server that gives written answers.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    app = build_app(WrittenAnswers({spoken(case.id): case for case in load_cases()}))
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()

"""An OpenAI-protocol server in a process of its own that answers with the cases of `evals.grounding`.

    python -m tools.scripted_answers --port 9010

A user's message that begins with `[<id of a case>]` is answered as the case's model did: first the tools are called that it
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


class WrittenAnswers(ScriptedModel):
    """The model behind the server."""

    def __init__(self, cases: Mapping[str, GroundingCase]) -> None:
        super().__init__()
        self._cases = cases

    def next_step(self, body: Mapping[str, Any]) -> Step:
        messages: list[Mapping[str, Any]] = body["messages"]
        asked = next(str(each["content"]) for each in reversed(messages) if each["role"] == "user")
        match = CASE.match(asked)
        case = self._cases[match[1]] if match else None
        if case is None:
            return Step(text="Which case do you mean?")
        if messages[-1]["role"] == "user":
            tools = [LOOK_UP, *case.deeds]
            return Step(tool_calls=[ScriptedCall(name=tool, arguments={"case": case.id}) for tool in tools])
        return Step(text=case.answer)


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-protocol server that gives written answers.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    app = build_app(WrittenAnswers({case.id: case for case in load_cases()}))
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()

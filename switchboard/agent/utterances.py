"""What customers say when they want a tool: `utterances.yaml` beside the card, for the embedded model only.

Tool → what people say; `<tool>:not` → what sounds like it and must not call it. A language model reads the tools'
descriptions and needs none of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.yaml_file import read_yaml

UTTERANCES_FILE = "utterances.yaml"
NEAR_MISS = ":not"
UTTERANCES_MAX = 200
_written = TypeAdapter(dict[str, list[str]])


@dataclass(frozen=True, slots=True)
class Utterances:
    """Of an agent's tools, by name."""

    wanted: Mapping[str, list[str]]
    near_misses: Mapping[str, list[str]]

    def added_to(self, function: Mapping[str, Any]) -> dict[str, Any]:
        """A tool as OpenAI's `tools` has it, with `x-utterances` and `x-not` in its parameters' schema."""
        declared: dict[str, Any] = function["function"]
        name = str(declared["name"])
        extra = {"x-utterances": self.wanted.get(name), "x-not": self.near_misses.get(name)}
        parameters = {**declared["parameters"], **{key: said for key, said in extra.items() if said}}
        return {**function, "function": {**declared, "parameters": parameters}}


NONE = Utterances({}, {})


def read_utterances(folder: Path, tools: Collection[str] | None = None) -> Utterances:
    """The folder's utterances, none where there is no file. Raises `BadConfiguration` with what is wrong in it.

    `tools`: the names that there are; None where they are not known yet, and no name is checked.
    """
    path = folder / UTTERANCES_FILE
    if not path.is_file():
        return NONE
    written = read_yaml(path, _written)
    for key, said in written.items():
        if tools is not None and key.removesuffix(NEAR_MISS) not in tools:
            raise BadConfiguration(f"{path}: there is no tool '{key.removesuffix(NEAR_MISS)}'.")
        if len(said) > UTTERANCES_MAX:
            raise BadConfiguration(f"{path}: '{key}' has more than {UTTERANCES_MAX} utterances.")
    near = {key.removesuffix(NEAR_MISS): said for key, said in written.items() if key.endswith(NEAR_MISS)}
    return Utterances({key: said for key, said in written.items() if not key.endswith(NEAR_MISS)}, near)

"""A model's words as whole sentences: the only thing of an answer that can be checked."""

import re

from switchboard.agent.grounding.calendar_names import MONTHS
from switchboard.text.sentences import first_sentence_end

HELD_CHARACTERS_MAX = 1_200
"""A sentence that is longer is given in parts."""

_DAY_AT_END = re.compile(r"[^\W\d_]\W{1,3}\d{1,2}\.\s$")
"""What may be the day of a date, as Germans write it: "am 28. Oktober"."""
_WORD = re.compile(r"[^\W\d_]+")


class SentenceStream:
    """Cuts what is fed into sentences, each with the white space behind it; joined they are what was fed."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> list[str]:
        """The sentences that are over. What follows is held, one sentence at most."""
        self._held += text
        given: list[str] = []
        while (end := _end_of_first(self._held)) is not None:
            given.append(self._held[:end])
            self._held = self._held[end:]
        if len(self._held) > HELD_CHARACTERS_MAX:
            given.append(self._held)
            self._held = ""
        return given

    def flush(self) -> list[str]:
        """The last one, over or not."""
        held, self._held = self._held, ""
        return [held] if held else []


def _end_of_first(text: str) -> int | None:
    end = first_sentence_end(text)
    while end is not None and _DAY_AT_END.search(text, max(0, end - 8), end):
        word = _WORD.match(text, end)
        if word is None:
            break
        if word.end() == len(text):
            return None
        if word[0].lower() not in MONTHS:
            break
        further = first_sentence_end(text[end:])
        end = None if further is None else end + further
    return end

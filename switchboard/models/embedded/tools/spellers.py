"""Mistyped words of a message put right by what is said of the tools, one speller an agent's tools."""

from collections import OrderedDict
from collections.abc import Sequence

from switchboard.models.embedded.tools.profile import ToolProfile
from switchboard.text.spelling import IsWord, Speller

KEPT_MAX = 64


class Spellers:
    """Keeps the spellers: an agent declares the same tools with every request."""

    def __init__(self, is_word: IsWord) -> None:
        self._is_word = is_word
        self._kept: OrderedDict[tuple[tuple[str, ...], ...], Speller] = OrderedDict()

    def of(self, tools: Sequence[ToolProfile]) -> Speller:
        """Knows the words of the tools' utterances, examples and descriptions."""
        key = tuple((*tool.sentences, *tool.examples, *tool.utterances) for tool in tools)
        speller = self._kept.get(key)
        if speller is None:
            speller = Speller.learned((text for texts in key for text in texts), self._is_word)
            self._kept[key] = speller
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return speller

"""Whether a message asks now, in its own words, for what a tool that changes something does.

Learned from what people say who want it, against what only sounds like it (near misses) and what they say who want to
read: asking for a deed and asking about it differ in a few small words, which the embedding alone hardly sees.
"""

import asyncio
import re
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from switchboard.models.embedded.learned import LearnedDecision, fitted
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.tools.profile import ToolProfile
from switchboard.models.embedder import Embedder
from switchboard.text.sentences import clauses, sentences
from switchboard.text.stems import stem
from switchboard.text.words import words

PARTS_MAX = 24
PART_WORDS_MIN, WHOLE_WORDS_MAX = 2, 40
ASKED_MIN = 0.38
"""Of a sentence with a word of the deed."""
OFFERED_MIN = 0.33
"""The same, where the deed was offered before in the conversation."""
UNNAMED_MIN = 0.45
"""The same, where it is not said to what, and the talk is of nothing that could be meant."""
NAMED_MIN = 0.20
"""The same, with all words of the tool's name: 'open a ticket'."""
PLAIN_MIN = 0.36
"""With no more of it than a particle ('have it back'), where the talk is of what it is done to."""
TOLD_MIN = 0.30
"""Of a sentence that tells what a tool finds."""
EARLIER_MAX = 3
MODELS_MAX = 64
SAID_MIN, MISSED_MIN, ODDS_MIN = 3, 2, 1.5
"""So many utterances and near misses have a word of the deed, and so many times more of its utterances than of others."""
_STOP = re.compile(r"(?<=[.!?])\s++|(?<!\s)\s++[-–—]+\s++|\n++")
"""Where a sentence ends, whether the next begins with a capital or not."""
_PARTICLES = frozenset({"back"})
"""Stop words that make a verb another one: 'send it back'."""

_NOT_ASKED = re.compile(
    r"\b(?:how (?:do|can|should|would|could|long|much|to)|what (?:happens|if|is|are|does|do)|when (?:will|do|does|is|can)|"
    r"can i|could i|may i|do i|am i|is it|do you|did (?:i|you)|have (?:i|you)|has|is there|should i|why|don't|do not|never|without|"
    r"status|already)\b",
    re.IGNORECASE,
)
_ASKED_POLITELY = re.compile(
    r"\b(?:can|could|would|will) (?:you|u)\b|\bplease\b|\bi(?:'d| would| should) like\b|\bi want\b", re.IGNORECASE
)
_PUTS_OFF = re.compile(
    r"\bno new\b|\bnothing (?:done|new|else|opened)\b|\bnot (?:like|asking|want|now|yet|just yet|another)\b|\bhold off\b|"
    r"\b(?:do not|don't|dont|wouldn't|didn't) (?:want|need|open|raise|refund|request|do)\b|\bno (?:ticket|refund|need)\b|"
    r"\b(?:just|only) (?:asking|curious|asks?)\b|\basking only\b|\bleave it\b",
    re.IGNORECASE,
)
"""Somewhere in a message that speaks of a deed: it is not to be done now."""
_ASKS_WHAT = re.compile(r"^\W{0,5}(?:what|when|where|who|which|how|why)\b", re.IGNORECASE)
_SUPPOSES = re.compile(r"\bwhether\b|\bif i\b|\bsuppose\b|\bbefore i\b", re.IGNORECASE)
"""In the same sentence: it is not to be done now."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A tool that a message asks to use, and by how much it does: about 1 is sure."""

    tool: ToolProfile
    score: float
    part: str
    """Of the message, the words that ask for it."""
    found: bool = False
    """The message, or one shortly before it, tells of what the tool's `found_by` finds: no question is needed which one is meant."""


class Deeds:
    """Decides with a model for each tool, fitted with its first message and kept: an agent declares the same tools always."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._models: OrderedDict[tuple[tuple[str, ...], ...], LearnedDecision] = OrderedDict()
        self._fitting = asyncio.Lock()

    async def asked(
        self, message: str, tools: Sequence[ToolProfile], offered: str = "", earlier: Sequence[str] = ()
    ) -> Deed | None:
        """The changing tool with utterances that a part of the message most clearly asks for.

        `offered` is the name of the tool that was offered before in the conversation, `earlier` what the user said, newest first.
        """
        deeds = [tool for tool in tools if tool.risk != "read" and tool.utterances]
        models = {tool.name: await self._model(tool, tools) for tool in deeds}
        parts = _parts(message)
        if not deeds or not parts or puts_off(message):
            return None
        vectors = await self._embedder.embed(parts)
        best: Deed | None = None
        for tool in deeds:
            found = await self._tells(tool, tools, [message, *earlier[:EARLIER_MAX]])
            own = deed_stems(tool.utterances, tool.near_misses, _reading(tools), tool.name)
            for part, score in zip(parts, models[tool.name].scores(parts, vectors)[:, 0].tolist(), strict=True):
                said = set(content_stems(part))
                if {stem(word) for word in tool.name.split("_")} <= said:
                    least = NAMED_MIN
                elif not own.isdisjoint(said):
                    least = (
                        OFFERED_MIN
                        if offered == tool.name
                        else ASKED_MIN
                        if found or not tool.found_by
                        else UNNAMED_MIN
                    )
                elif (found or offered == tool.name) and not own.isdisjoint(_said(part)):
                    least = PLAIN_MIN
                else:
                    continue
                if score >= least and not only_asks(part) and (best is None or score > best.score):
                    best = Deed(tool, score, part, found)
        return best

    async def _tells(self, deed: ToolProfile, tools: Sequence[ToolProfile], texts: Sequence[str]) -> bool:
        finder = next((tool for tool in tools if tool.name in deed.found_by.values() and tool.utterances), None)
        if finder is None:
            return False
        parts = list(dict.fromkeys(part for text in texts for part in _parts(text)))
        model = await self._model(finder, tools)
        return bool(parts) and float(model.scores(parts, await self._embedder.embed(parts))[:, 0].max()) >= TOLD_MIN

    async def _model(self, tool: ToolProfile, tools: Sequence[ToolProfile]) -> LearnedDecision:
        """Of what is said for `tool` against its near misses and what is said for the other ones that read."""
        others = tuple(
            said for other in tools if other is not tool and other.risk == "read" for said in other.utterances
        )
        key = (tool.utterances, tool.near_misses, others)
        async with self._fitting:
            model = self._models.get(key)
            if model is None:
                texts = [*tool.utterances, *tool.near_misses, *others]
                targets = np.zeros((len(texts), 1), dtype=np.float32)
                targets[: len(tool.utterances)] = 1
                model = await asyncio.to_thread(fitted, texts, await self._embedder.embed(texts), targets)
                self._models[key] = model
                while len(self._models) > MODELS_MAX:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return model


def _reading(tools: Sequence[ToolProfile]) -> tuple[str, ...]:
    return tuple(said for tool in tools if tool.risk == "read" for said in tool.utterances)


def is_asked_for(clause: str, tool: ToolProfile) -> bool:
    """Whether the words ask to do what the tool does, and not just about it."""
    return not only_asks(clause) and not tool.deed.isdisjoint(content_stems(clause))


def only_asks(text: str) -> bool:
    """About a deed, and not for it."""
    if _SUPPOSES.search(text):
        return True
    asks = _NOT_ASKED.search(text) is not None or _ASKS_WHAT.match(text) is not None
    return asks and _ASKED_POLITELY.search(text) is None


def puts_off(message: str) -> bool:
    """Something in the message says that nothing is to be done now."""
    return _PUTS_OFF.search(message) is not None


@lru_cache(maxsize=MODELS_MAX)
def deed_stems(
    wanted: tuple[str, ...], near_misses: tuple[str, ...], reading: tuple[str, ...], name: str
) -> frozenset[str]:
    """Stems with which people speak of a deed, whether they ask for it or not: those of its name, and those of its
    utterances that its near misses have too and utterances of `reading` tools seldom. 'Red' tells of the fault only."""
    mine, missed, theirs = _shares(wanted), _shares(near_misses), _shares(reading)
    said = {
        each
        for each, share in mine.items()
        if share * len(wanted) >= SAID_MIN
        and missed.get(each, 0.0) * len(near_misses) >= MISSED_MIN
        and share >= ODDS_MIN * theirs.get(each, 0.0)
    }
    return frozenset({stem(word) for word in name.split("_")} | said)


def _shares(texts: Sequence[str]) -> dict[str, float]:
    counts = Counter(each for text in texts for each in _said(text))
    return {each: count / len(texts) for each, count in counts.items()}


def _said(text: str) -> set[str]:
    return {*content_stems(text), *(word for word in words(text) if word in _PARTICLES)}


def _parts(message: str) -> list[str]:
    """Sentences and clauses, the last ones of a long story: there it is said what is wanted. A short message whole, too."""
    pieces = [*sentences(message), *clauses(message), *_STOP.split(message)]
    if len(words(message)) <= WHOLE_WORDS_MAX:
        pieces.insert(0, message)
    return [part for part in dict.fromkeys(pieces) if len(words(part)) >= PART_WORDS_MIN][-PARTS_MAX:]

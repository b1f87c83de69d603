"""Which tools a message asks for: similarity to their examples and descriptions, blended with shared words."""

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from switchboard.models.embedded.asked import looked_up, parts_of
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.slots.values import has_match, names_example
from switchboard.models.embedded.tools.deeds import is_asked_for, only_asks, puts_off
from switchboard.models.embedded.tools.profile import ToolProfile
from switchboard.models.embedded.tools.spellers import Spellers
from switchboard.models.embedded.tools.utterances import UtteranceFits
from switchboard.models.embedder import Embedder
from switchboard.text.sentences import clauses
from switchboard.text.stems import stem
from switchboard.text.words import stems, words

CALLS_MAX = 3
CLAUSES_MAX = 6
SURE = 0.55
"""At this score a tool is called."""
POSSIBLE = 0.50
"""Between this and `SURE` a reading tool is called beside the knowledge search; below it is not called."""
ASKED_FOR = 0.52
"""A tool that changes something needs at least this."""
CLAUSE_SURE = 0.62
"""A part of a sentence must be this clear to be taken as a request of its own."""
WORDS_WEIGHT = 0.25
ID_BONUS, MISSING_ID_COST = 0.12, 0.10
GENERAL_COST, INSTRUCTION_COST = 0.10, 0.10
"""For asking how something works, which an article answers and not an account."""
NAMED_BONUS, NOUN_BONUS, NAMELESS_COST = 0.08, 0.05, 0.04
DEED_BONUS, DEED_COST, SINGULAR_COST = 0.08, 0.12, 0.12

FIT_SURE = 0.75
"""So near to a tool's utterances, nothing is looked up beside it."""
FIT_POSSIBLE = 0.42
"""Below this a reading tool is not called."""
FIT_AGREED = 0.53
"""So near, the tool that its examples name is called alone."""
LOGISTIC = (-5.29, 7.68, 2.05)
"""Constant, and weights of fit and known words: fitted by `evals/answering/train.py`."""
KNOWN_MIN = 0.1
"""What the commonest word counts; the rarest counts 1 more."""
MEANT_MARGIN_MIN, POSSIBLE_MARGIN_MIN = 0.2, 0.05
"""So much more surely one of the tools must be meant than none, to be told and to be told as the closest: on held-back questions that nothing answers (`evals/answering`)."""
FIT_WEIGHT, CHOICE_WEIGHT = 0.7, 2.0
UTTERANCES_ABOVE = 0.1
"""The mean of the nearest of many utterances is less than the likeness to a few examples and a description."""
PICKS_MAX = 4

_GENERAL = re.compile(
    r"^(?:(?:and|so|but|hi|hello|hey|please|ok)[, ]+)*(?:(?:can|could) you (?:tell|explain)(?: to)? me )?"
    r"(?:how (?:do|can|should|does|to|would)|what (?:is|are|does|do|happens|if)|can i|could i|may i|do you|does|do i|is it|is there|are there|"
    r"who|where|when (?:do|does|is|are|will)|what's|am i allowed|why (?:do|does|is|are))\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"(?<=[.!?])\s++|[:;,]\s++|(?<!\s)\s++(?:-|because|since|as|about|for)\s++", re.IGNORECASE)
_NAME = re.compile(r"(?<=\w)[ ,]+(?:(?:the|a|an) )?(?:(?:[A-Z][\w-]+|[\w-]*\d[\w-]*)(?:\s+(?=[A-Z\d])|\b))+(?<!\sI)")
_TROUBLE = re.compile(
    r"\b(?:fail\w*|broken?|declined|refused|rejected|lost|stolen|missing|wrong|error|stopped|problem|trouble|"
    r"(?:doesn't|does not|don't|won't|can't|cannot|not) \w+)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"\b(?:my|mine|i|i'm|i've|me|our|we)\b", re.IGNORECASE)
_INSTRUCTION = re.compile(
    r"\bhow (?:do|can|should|would|could|to|does)\b|\bwhat happens\b|\bif i\b|\b(?:policy|policies|rules?|terms)\b|"
    r"\bwhat does .{2,60} mean\b|\bcan i\b|\bhow long (?:do|does|will|is)\b",
    re.IGNORECASE,
)
_DEEDS = (
    (("explain",), re.compile(r"\b(?:why|explain\w*|reasons?|how come|break\w* down|what(?:'s| has| is)? (?:happened|changed|going on))\b", re.I), re.compile(
        r"\b(?:why|explain\w*|reasons?|higher|lower|more|less|change\w*|differ\w*|increase\w*|up|down|expensive|odd|wrong|strange)\b", re.I
    )),
    (("compare",), re.compile(r"\b(?:compar\w*|versus|vs|differences?)\b", re.I), re.compile(
        r"\b(?:compar\w*|versus|vs|differ\w*|better|or|and|than|best|between)\b", re.I
    )),
)  # fmt: skip
"""Verbs that begin a tool's name, words that call for them, and words without one of which they are not meant."""
VERBS = frozenset(verb for verbs, _, _ in _DEEDS for verb in verbs)
VERB_BONUS = 0.3
"""For a tool whose verb the text says: 'how does this compare to that'."""


@dataclass(frozen=True, slots=True)
class ToolPick:
    """A tool a clause asks for."""

    tool: ToolProfile
    clause: str
    score: float
    fit: float = 1.0
    """By its utterances, a cosine. 1 where the choice does not rest on them."""
    known: float = 1.0
    """Share of the clause's meaning words that people use who want the tool, rare ones counting more."""

    margin: float = 1.0
    """By so much more surely this tool is meant than none."""

    @property
    def doubtful(self) -> bool:
        """It sounds almost as much like what none of the tools answers."""
        return self.margin < MEANT_MARGIN_MIN

    @property
    def probability(self) -> float:
        """That what the tool returns is what was asked for."""
        constant, of_fit, of_known = LOGISTIC
        return 1 / (1 + math.exp(-constant - of_fit * self.fit - of_known * self.known))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every tool's score for one text, best first."""

    text: str
    picks: tuple[ToolPick, ...]

    @property
    def best(self) -> ToolPick | None:
        return self.picks[0] if self.picks else None


class ToolPicker:
    """Scores tools; the embedder caches what tools say of themselves."""

    def __init__(self, embedder: Embedder, rarity: Callable[[str], float]) -> None:
        """`rarity` of a word is 0 for the most common and 1 for unknown ones."""
        self._embedder = embedder
        self._rarity = rarity
        self._utterances = UtteranceFits(embedder)
        self._spellers = Spellers(lambda word: rarity(word) < 1.0)

    async def pick(self, message: str, tools: Sequence[ToolProfile], forced: bool = False) -> list[ToolPick]:
        """Calls the message asks for, at most three; empty where nothing fits and there is no knowledge search."""
        search = next((tool for tool in tools if tool.is_search), None)
        candidates = [tool for tool in tools if not tool.is_search]
        exemplified = await self._pick_by_examples(message, candidates, search, forced)
        if not any(tool.utterances for tool in candidates):
            return exemplified
        sure = all(not pick.tool.is_search and pick.score >= SURE for pick in exemplified)
        reads = all(pick.tool.risk == "read" for pick in exemplified)
        if exemplified and sure and not reads and not (puts_off(message) or only_asks(message)):
            return exemplified
        if exemplified and sure and reads and await self._agree(exemplified, candidates):
            return exemplified
        return await self._pick_by_utterances(message, candidates, search)

    async def _agree(self, picks: Sequence[ToolPick], tools: Sequence[ToolProfile]) -> bool:
        """Whether the utterances know no better tool for what the examples chose."""
        for pick in picks:
            best = await self.best_reading(pick.clause, tools)
            if best is None or best.tool is not pick.tool or best.fit < FIT_AGREED:
                return False
        return True

    async def _pick_by_examples(
        self, message: str, candidates: Sequence[ToolProfile], search: ToolProfile | None, forced: bool
    ) -> list[ToolPick]:
        """By what the tools say of themselves."""
        await self._embed_at_once(message, candidates)
        whole = await self.rank(message, candidates)
        parts = await self._separate_requests(message, candidates, search)
        if len(parts) > 1:
            return parts[:CALLS_MAX]
        demanded = await self._demanded(message, candidates)
        if demanded is not None and not _prefers_reading(whole, demanded):
            return [demanded]
        if (
            search is not None
            and whole.best is not None
            and whole.best.score >= ASKED_FOR
            and _needed(whole.best) == math.inf
        ):
            # It is about a deed and does not ask for it: how it is done stands in the articles.
            return [ToolPick(search, message, SURE)]
        usable = [pick for pick in whole.picks if pick.score >= _needed(pick)]
        best = usable[0] if usable else None
        vague = best is not None and best.score < CLAUSE_SURE and _TROUBLE.search(message) is not None
        if best is not None and (
            best.tool.risk != "read" or (best.score >= SURE and not (vague and search is not None))
        ):
            return [best]
        found = [best] if best is not None else []
        if search is not None:
            return [*found, ToolPick(search, message, POSSIBLE)]
        return found or ([whole.picks[0]] if forced and whole.picks else [])

    async def _pick_by_utterances(
        self, message: str, tools: Sequence[ToolProfile], search: ToolProfile | None
    ) -> list[ToolPick]:
        """Of each thing that is asked: the reading tool that fits; and one search for all of it, where that is not clear."""
        message = self._spellers.of(tools if search is None else [*tools, search]).corrected(message)
        picks: dict[str, ToolPick] = {}
        answered = True
        for part in parts_of(message):
            best = await self.best_reading(part, tools)
            if best is not None and best.fit >= FIT_POSSIBLE:
                picks.setdefault(best.tool.name, best)
            answered = answered and best is not None and best.fit >= FIT_SURE
        if search is not None and not answered:
            picks[search.name] = ToolPick(search, looked_up(message), POSSIBLE)
        return list(picks.values())[:PICKS_MAX]

    async def best_reading(self, text: str, tools: Sequence[ToolProfile]) -> ToolPick | None:
        """The reading tool that `text` asks for rather than for any other one, however far it is; None where there is none."""
        reading = [tool for tool in tools if tool.risk == "read"]
        if not reading:
            return None
        fits = [fit for fit, _ in await self._utterances.fits(text, without_names(text), reading)]
        chosen, none = await self._utterances.choice(text, reading)
        ranked = {pick.tool.name: pick.score for pick in (await self.rank(text, reading)).picks}
        scored = [
            ToolPick(tool, text, ranked[tool.name], fit if tool.utterances else ranked[tool.name] - UTTERANCES_ABOVE)
            for tool, fit in zip(reading, fits, strict=True)
        ]
        place = max(range(len(scored)), key=lambda place: _preference(scored[place], chosen[place]))
        best = scored[place]
        if not best.tool.utterances:
            return best
        return replace(best, known=self._known(text, best.tool), margin=chosen[place] - none)

    def _known(self, text: str, tool: ToolProfile) -> float:
        weights = {each: KNOWN_MIN + self._rarity(word) for word in words(text) for each in content_stems(word)}
        known = sum(weight for each, weight in weights.items() if each in tool.spoken)
        return known / sum(weights.values()) if weights else 0.0

    async def rank(self, text: str, tools: Sequence[ToolProfile]) -> Ranking:
        """All tools by score, best first; of equal ones the first declared."""
        if not tools:
            return Ranking(text, ())
        phrases = [[*tool.examples, *tool.sentences[:3]] for tool in tools]
        similarities = await self._similarities(text, [phrase for listed in phrases for phrase in listed])
        overlap = _overlaps(text, tools)
        said = words(text)
        said_stems = stems(text)
        picks: list[ToolPick] = []
        start = 0
        for index, tool in enumerate(tools):
            own = similarities[start : start + len(phrases[index])]
            start += len(phrases[index])
            likeness = _likeness(own, len(tool.examples))
            score = (1 - WORDS_WEIGHT) * likeness + WORDS_WEIGHT * overlap[index]
            picks.append(ToolPick(tool, text, score + _adjustment(text, said, said_stems, tool)))
        return Ranking(text, tuple(sorted(picks, key=lambda pick: -pick.score)))

    async def _embed_at_once(self, message: str, tools: Sequence[ToolProfile]) -> None:
        """Every part of the message in one batch; the rankings that follow find them in the embedder's cache."""
        if tools:
            texts = [message, *clauses(message)[:CLAUSES_MAX], *_PARTS.split(message)[:CLAUSES_MAX]]
            await self._embedder.embed(list(dict.fromkeys([*texts, *map(without_names, texts)])))

    async def _similarities(self, text: str, phrases: list[str]) -> np.ndarray:
        """Of `text` to each phrase; also with names left out, which say what a request is about and not what it wants."""
        nameless = without_names(text)
        if nameless == text:
            vectors = await self._embedder.embed([text, *phrases])
            return vectors[1:] @ vectors[0]
        vectors = await self._embedder.embed([text, nameless, *phrases, *map(without_names, phrases)])
        full, masked = vectors[2 : 2 + len(phrases)] @ vectors[0], vectors[2 + len(phrases) :] @ vectors[1]
        return np.maximum(full, masked - NAMELESS_COST)

    async def _demanded(self, message: str, tools: Sequence[ToolProfile]) -> ToolPick | None:
        """A deed asked for in one part of the message, where the rest tells what about: 'Open a ticket: no signal'."""
        parts = [part for part in _PARTS.split(message) if len(content_stems(part)) >= 1][:CLAUSES_MAX]
        if len(parts) < 2 or all(tool.risk == "read" for tool in tools):
            return None
        for part in parts:
            best = (await self.rank(part, tools)).best
            if best is not None and best.tool.risk != "read" and best.score >= max(CLAUSE_SURE, _needed(best)):
                return ToolPick(best.tool, message, best.score)
        return None

    async def _separate_requests(
        self, message: str, tools: Sequence[ToolProfile], search: ToolProfile | None
    ) -> list[ToolPick]:
        """Clauses that clearly ask for different tools, in the order they were said."""
        parts = clauses(message)[:CLAUSES_MAX]
        if len(parts) < 2:
            return []
        found: dict[str, ToolPick] = {}
        for part in parts:
            opens = message[: message.find(part)].rstrip()[-1:] in ("", ".", "!", "?")
            if len(words(part)) < 2 or not plain_words(part, opens=opens):
                continue
            best = (await self.rank(part, tools)).best
            if best is None:
                continue
            if best.score >= max(CLAUSE_SURE, _needed(best)):
                known = found.get(best.tool.name)
                if known is None or best.score > known.score:
                    found[best.tool.name] = best
            elif search is not None and best.score < POSSIBLE and _is_question(part) and search.name not in found:
                found[search.name] = ToolPick(search, part, POSSIBLE)
        return list(found.values())


def without_names(text: str) -> str:
    """'Compare the Kestrel 12 with Lumen X5' → 'Compare this with this'."""
    return _NAME.sub(" this", text)


def plain_words(text: str, *, opens: bool = False) -> list[str]:
    """Words with a meaning that are no names: none in 'the Lumen X5', some in 'my payments'.

    Where `text` opens a sentence, its first word is capitalised anyway.
    """
    first, *rest = text.split()[:40] or [""]
    kept = [word for word in rest if word.islower()]
    if first.islower() or opens:
        kept.insert(0, first)
    return [word for word in content_stems(" ".join(kept)) if word.isalpha()]


def _prefers_reading(whole: Ranking, demanded: ToolPick) -> bool:
    """As a whole the message fits a reading tool far better than the deed that one part of it seems to ask for."""
    best = whole.best
    own = next(pick.score for pick in whole.picks if pick.tool is demanded.tool)
    return best is not None and best.tool.risk == "read" and best.score >= SURE and best.score > own + 0.1


def _likeness(similarities: np.ndarray, examples: int) -> float:
    said = np.sort(similarities[:examples])[::-1]
    described = float(similarities[examples:].max()) if len(similarities) > examples else 0.0
    if not len(said):
        return described
    exemplified = float(said[0]) if len(said) == 1 else 0.85 * float(said[0]) + 0.15 * float(said[1])
    return max(exemplified, 0.5 * exemplified + 0.5 * described, 0.9 * described)


def _overlaps(text: str, tools: Sequence[ToolProfile]) -> list[float]:
    """Share of the text's meaning words that a tool uses too, rare ones (among these tools) counting more."""
    meant = set(content_stems(text))
    if not meant:
        return [0.0] * len(tools)
    weights = {
        each: math.log(1 + (len(tools) + 1) / (1 + sum(each in tool.vocabulary for tool in tools))) for each in meant
    }
    total = sum(weights.values())
    return [sum(weights[each] for each in meant & tool.vocabulary) / total for tool in tools]


def _adjustment(text: str, said: Collection[str], said_stems: Collection[str], tool: ToolProfile) -> float:
    """What speaks for or against a tool beside likeness. `said` and `said_stems` are the text's words and their stems."""
    bonus = 0.0
    if any(names_example(parameter, text) for parameter in tool.parameters):
        bonus = NAMED_BONUS
    for parameter in tool.parameters:
        if not parameter.schema.get("pattern"):
            continue
        if has_match(parameter, text):
            bonus = ID_BONUS
        elif parameter.required:
            bonus = min(bonus, -MISSING_ID_COST)
    if stem(tool.name.rsplit("_", 1)[-1]) in said_stems:
        bonus += NOUN_BONUS
    if tool.risk == "read" and _GENERAL.search(text) and not _PERSONAL.search(text):
        bonus -= GENERAL_COST
    if tool.risk == "read" and _INSTRUCTION.search(text):
        bonus -= INSTRUCTION_COST
    return bonus + _of_deed(text, said, tool)


def _of_deed(text: str, said: Collection[str], tool: ToolProfile) -> float:
    """By the verb of the tool's name: 'my last invoice' is to be shown, not explained, and is one, not a list."""
    verb, _, noun = tool.name.partition("_")
    for verbs, calling, needed in _DEEDS:
        if verb in verbs:
            return DEED_BONUS if calling.search(text) else 0.0 if needed.search(text) else -DEED_COST
    if verb == "list" and noun.endswith("s"):
        last = noun.rsplit("_", 1)[-1]
        if last not in said and last[:-1] in said:
            return -SINGULAR_COST
    return 0.0


def _preference(pick: ToolPick, chosen: float) -> float:
    verb = pick.tool.name.partition("_")[0]
    named = VERB_BONUS if verb in VERBS and stem(verb) in stems(pick.clause) else 0.0
    return FIT_WEIGHT * pick.fit + (1 - FIT_WEIGHT) * pick.score + CHOICE_WEIGHT * chosen + named


def _needed(pick: ToolPick) -> float:
    if pick.tool.risk == "read":
        return POSSIBLE
    return ASKED_FOR if is_asked_for(pick.clause, pick.tool) else math.inf


def _is_question(text: str) -> bool:
    return text.endswith("?") or _GENERAL.search(text) is not None

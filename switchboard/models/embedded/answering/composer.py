"""Writes the answer from what tools returned: facts, extracts of passages with their marks, errors, one offer."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from switchboard.contracts.events import CLOSEST
from switchboard.contracts.tools import Offer
from switchboard.models.embedded.answering.extraction import Extractor, is_question
from switchboard.models.embedded.answering.passage_fit import PassageRanker, TokenEmbedder
from switchboard.models.embedded.answering.sections import sections_of
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.embedded.asked import pieces_of
from switchboard.models.embedded.json_types import is_list, is_object
from switchboard.models.embedded.tools.choice import POSSIBLE_MARGIN_MIN, ToolPick, without_names

FACTS_MAX = 10
FACTS_ALWAYS = 3
PROSE_FACTS_MAX = 4
TOOL_SURE, TOOL_CLOSEST_MIN, TOOL_PART_MIN = 0.5, 0.44, 0.3
"""Probabilities that a tool's facts answer: told, told as the closest, told as the closest to one of several things."""
CLEARLY = 0.3
"""So much more probable, of a tool's facts and a passage one is what was asked for."""
LIKELY_MIN = 0.3
"""A section that answers so probably is told, however sure the facts are: what a light means, and what to do about it."""
FACTS_LOGISTIC = (-1.6, 0.8, 4.57)
"""Constant, and weights of how surely the tool is meant (log odds) and of the likeness of its facts to the question."""
FACTS_CHARACTERS_MAX = 500
IN_CONTEXT_MIN = 0.85
"""Probability from which a section is told as the answer, where the question was looked up with what was asked before."""
RAW_CHARACTERS_MAX = 1_500
FAR_MAX = 0.25
"""Less probably than this the closest section hardly answers, and that is said first."""
NOT_CERTAIN = "I don't know that for certain."
DONT_KNOW = "I'm sorry, I don't know that: I found nothing about it in the information I have."
NOTHING_FOUND = "I'm sorry, I found nothing that matches."
_CONDITION = re.compile(r"^If (?:that|this|it)\b[^,]*,\s*")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """One tool result, read."""

    tool: str
    query: str = ""
    facts: tuple[str, ...] = ()
    sources: tuple[NumberedPassage, ...] = ()
    offer: Offer | None = None
    offer_unanswered: Offer | None = None
    """What to propose only where the answer is that it is not known."""
    error: str = ""
    retry: bool = False
    in_context: bool = False
    """Of a search: it was for the question with what was asked before, which is answered again easily."""

    @property
    def empty(self) -> bool:
        return not (self.facts or self.sources or self.error)


def tool_result_of(tool: str, query: str, content: str) -> ToolResult:
    """Reads a tool message: the JSON of a `ToolOutcome`, `{"error": ...}`, or whatever another agent's tool says."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        text = content.strip()
        return ToolResult(tool, query, facts=(text[:RAW_CHARACTERS_MAX],) if text else ())
    if isinstance(value, str):
        return ToolResult(tool, query, facts=(value[:RAW_CHARACTERS_MAX],) if value.strip() else ())
    if not is_object(value):
        return ToolResult(tool, query, facts=() if value in (None, []) else (_plain(value),))
    if "error" in value:
        error = value["error"]
        message = error.get("message") if is_object(error) else error
        return ToolResult(tool, query, error=str(message or "It did not work."), retry=value.get("retry") is True)
    if value and not {"facts", "passages", "offer", "offer_unanswered", "data"} & value.keys():
        return ToolResult(tool, query, facts=(_plain(value),))
    facts = tuple(str(fact).strip() for fact in value.get("facts") or () if str(fact).strip())
    sources = tuple(
        NumberedPassage(
            int(passage.get("n") or index),
            str(passage.get("title") or ""),
            str(passage.get("text") or ""),
            float(passage["score"]) if isinstance(passage.get("score"), int | float) else None,
        )
        for index, passage in enumerate(value.get("passages") or (), 1)
        if is_object(passage)
    )
    return ToolResult(
        tool, query, facts, sources, offer_of(value.get("offer")), offer_of(value.get("offer_unanswered"))
    )


def offer_of(value: Any) -> Offer | None:
    if not is_object(value) or not value.get("question") or not value.get("tool"):
        return None
    arguments = value.get("arguments")
    return Offer(
        question=str(value["question"]),
        tool=str(value["tool"]),
        arguments=arguments if is_object(arguments) else {},
    )


def _plain(value: Any) -> str:
    """JSON of a foreign tool as words: 'temperature: 12, sky: clear'."""
    if is_object(value):
        parts = [f"{str(key).replace('_', ' ')}: {_plain(each)}" for key, each in value.items() if each is not None]
        return ", ".join(parts)[:RAW_CHARACTERS_MAX]
    if is_list(value):
        return "; ".join(_plain(item) for item in value[:20])[:RAW_CHARACTERS_MAX]
    return str(value)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of the results."""

    blocks: tuple[str, ...]
    results: tuple[ToolResult, ...]
    """Those it rests on."""
    sure: bool
    """Something of it is an answer, and not only near to one."""

    @property
    def unsure(self) -> bool:
        return not self.sure


class Composer:
    """Puts answers together. Says nothing that is not in a tool's result."""

    def __init__(self, embedder: TokenEmbedder, extractor: Extractor) -> None:
        self._embedder = embedder
        self._extractor = extractor
        self._ranker = PassageRanker(embedder)

    async def compose(
        self,
        question: str,
        results: Sequence[ToolResult],
        asks: Sequence[str] = (),
        picks: Sequence[ToolPick] = (),
        familiar: Sequence[str] = (),
    ) -> str:
        """The whole answer to `question`. `asks` are questions for details of calls that could not be made.

        `picks` say how well each tool that was called fits what was asked. `familiar` is what the tools say of
        themselves: words in it may be asked about without being in the facts.
        """
        results = self._to_the_point(question, results, picks, familiar)
        told = await self._told(question, results, picks)
        blocks = list(told.blocks)
        if told.unsure and not blocks and not asks:
            searched = any(result.sources or not result.facts for result in results)
            blocks.append(DONT_KNOW if searched else NOTHING_FOUND)
        offers = [each.offer for each in told.results]
        if told.unsure and not told.sure:
            offers = [each.offer_unanswered or each.offer for each in results] + offers
        offer = next((each for each in reversed(offers) if each is not None), None)
        if offer is not None and not any(offer.question in block for block in blocks):
            blocks.append(offer.question if told.sure else _unconditional(offer.question))
        elif asks and not told.sure:
            blocks += asks[:1]
        return "\n\n".join(dict.fromkeys(blocks))

    def _to_the_point(
        self, question: str, results: Sequence[ToolResult], picks: Sequence[ToolPick], familiar: Sequence[str]
    ) -> Sequence[ToolResult]:
        """Without the facts of a tool that may not fit, called only in case, where nothing found has the word asked about.

        A search beside it shows that the tool was no sure choice.
        """
        fitting = {pick.tool.spec.name for pick in picks if pick.tool.utterances and pick.probability >= TOOL_SURE}
        in_case = [each for each in results if each.facts and each.tool not in fitting]
        if not (in_case and is_question(question) and any(each.query for each in results)):
            return results
        found = [text for each in results for text in (*each.facts, *(source.text for source in each.sources))]
        if not self._extractor.strange_words(question, [*familiar, *found]):
            return results
        return [replace(each, facts=(), offer=None) if each in in_case else each for each in results]

    async def _told(self, question: str, results: Sequence[ToolResult], picks: Sequence[ToolPick]) -> "_Told":
        """Of a tool and a search that were asked the same, what answers more probably; both where neither clearly does."""
        sections = {
            index: await sections_of(self._ranker, result.query or question, result.sources)
            for index, result in enumerate(results)
            if result.sources
        }
        chosen = {pick.tool.spec.name: pick for pick in picks if not pick.tool.is_search and pick.tool.utterances}
        probable = {
            index: await self._probability(question, result, chosen[result.tool])
            for index, result in enumerate(results)
            if result.tool in chosen and not result.sources
        }
        dropped = {index for index, found in sections.items() if not found.fits}
        floor = TOOL_CLOSEST_MIN if len(pieces_of(question)) < 2 else TOOL_PART_MIN
        dropped |= {
            index
            for index, each in probable.items()
            if results[index].facts and (each < floor or chosen[results[index].tool].margin < POSSIBLE_MARGIN_MIN)
        }
        for index in sections.keys() - dropped:
            found = sections[index]
            for rival, probability in probable.items():
                if not results[rival].facts or probability < found.probability - CLEARLY:
                    dropped.add(rival)
                elif probability > found.probability + CLEARLY and found.asked == 1 and found.probability < LIKELY_MIN:
                    dropped.add(index)
        blocks: list[str] = []
        kept: list[ToolResult] = []
        sure = False
        for index, result in enumerate(results):
            if index in dropped or index in sections:
                continue
            if result.facts:
                facts = _prose(await self._chosen(question, result.facts))
                doubtful = result.tool in chosen and chosen[result.tool].doubtful
                fits_well = probable.get(index, 1.0) >= TOOL_SURE and not doubtful
                sure = sure or fits_well
                hedge = f"{NOT_CERTAIN} {CLOSEST}" if doubtful else CLOSEST
                blocks.append(facts if fits_well else f"{hedge} {facts}")
            blocks += _errors([result])
            kept.append(result)
        told = len(blocks)
        for index, found in sections.items():
            if index in dropped:
                continue
            query = results[index].query or question
            texts = [await self._extractor.section(query, fit.source) for fit in found.beside(told)]
            if texts and found.sure and (not results[index].in_context or found.probability >= IN_CONTEXT_MIN):
                sure = True
                blocks += texts
                kept.append(results[index])
            elif texts:
                far = f"{NOT_CERTAIN} " if found.probability < FAR_MAX and not told else ""
                blocks += [f"{far}{CLOSEST} {texts[0]}", *texts[1:]]
        return _Told(tuple(dict.fromkeys(blocks)), tuple(kept), sure)

    async def _probability(self, question: str, result: ToolResult, pick: ToolPick) -> float:
        """That these facts are what the question asks for: the right tool may say nothing about it.

        The names in it are left out, for facts about a thing name it anyway.
        """
        if pick.fit >= 1.0 or not result.facts:
            return pick.probability
        likeness = await self._ranker.likeness(without_names(question), " ".join(result.facts)[:FACTS_CHARACTERS_MAX])
        odds = math.log(pick.probability / (1 - pick.probability))
        constant, of_odds, of_likeness = FACTS_LOGISTIC
        return 1 / (1 + math.exp(-constant - of_odds * odds - of_likeness * likeness))

    async def _chosen(self, question: str, facts: Sequence[str]) -> list[str]:
        """All facts; of very many the first ones and those nearest to the question, in their order."""
        if len(facts) <= FACTS_MAX:
            return list(facts)
        vectors = await self._embedder.embed([question, *facts])
        likeness = vectors[1:] @ vectors[0]
        ranked = sorted(range(FACTS_ALWAYS, len(facts)), key=lambda index: (-likeness[index], index))
        kept = sorted([*range(FACTS_ALWAYS), *ranked[: FACTS_MAX - FACTS_ALWAYS]])
        return [facts[index] for index in kept]


def _unconditional(question: str) -> str:
    """'If that does not help, shall I …?' makes no sense where nothing was advised: 'Shall I …?'."""
    bare = _CONDITION.sub("", question)
    return bare[:1].upper() + bare[1:]


def _prose(facts: Sequence[str]) -> str:
    if len(facts) <= PROSE_FACTS_MAX or any("\n" in fact for fact in facts):
        return " ".join(facts) if not any("\n" in fact for fact in facts) else "\n".join(facts)
    return "\n".join([facts[0], *(f"- {fact}" for fact in facts[1:])])


def _errors(results: Sequence[ToolResult]) -> list[str]:
    found: list[str] = []
    for result in results:
        if result.error and result.retry:
            found.append(result.error)
        elif result.error:
            deed = result.tool.rsplit("-", 1)[-1].replace("_", " ")
            found.append(f"I'm sorry, I could not {deed} just now. {result.error}")
    return found

"""Writes the answer from what tools returned: facts, extracts of passages with their marks, errors, one offer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from switchboard.contracts.tools import Offer
from switchboard.models.embedded.answering.extraction import SUPPORT_MIN, Extractor, is_question
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.embedded.json_types import is_list, is_object
from switchboard.models.embedder import Embedder

FACTS_MAX = 10
FACTS_ALWAYS = 3
PROSE_FACTS_MAX = 4
SUPPORT_BESIDE_FACTS_MIN = 0.62
RAW_CHARACTERS_MAX = 1_500
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
        NumberedPassage(int(passage.get("n") or index), str(passage.get("title") or ""), str(passage.get("text") or ""))
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


class Composer:
    """Puts answers together. Says nothing that is not in a tool's result."""

    def __init__(self, embedder: Embedder, extractor: Extractor) -> None:
        self._embedder = embedder
        self._extractor = extractor

    async def compose(
        self, question: str, results: Sequence[ToolResult], asks: Sequence[str] = (), familiar: Sequence[str] = ()
    ) -> str:
        """The whole answer to `question`. `asks` are questions for details of calls that could not be made.

        `familiar` is what the tools say of themselves: words in it may be asked about without being in the facts.
        """
        results = self._to_the_point(question, results, familiar)
        blocks: list[str] = []
        for result in results:
            if result.facts:
                blocks.append(_prose(await self._chosen(question, result.facts)))
        known = bool(blocks)
        extracts = await self._extracts(question, results, beside_facts=known)
        blocks += extracts
        blocks += _errors(results)
        if not blocks and not asks:
            searched = any(result.sources or not result.facts for result in results)
            blocks.append(DONT_KNOW if searched else NOTHING_FOUND)
            results = [replace(each, offer=each.offer or each.offer_unanswered) for each in results]
        offer = next((result.offer for result in reversed(results) if result.offer is not None), None)
        if offer is not None and not any(offer.question in block for block in blocks):
            blocks.append(offer.question if extracts or known else _unconditional(offer.question))
        elif asks:
            blocks += asks[:1]
        return "\n\n".join(dict.fromkeys(blocks))

    def _to_the_point(
        self, question: str, results: Sequence[ToolResult], familiar: Sequence[str]
    ) -> Sequence[ToolResult]:
        """Without the facts of a tool called only in case it fits, where none of what was found has the word asked about.

        A search beside it shows that the tool was no sure choice.
        """
        if not (is_question(question) and any(each.query for each in results) and any(e.facts for e in results)):
            return results
        found = [text for each in results for text in (*each.facts, *(source.text for source in each.sources))]
        if not self._extractor.strange_words(question, [*familiar, *found]):
            return results
        return [replace(each, facts=(), offer=None) if each.facts else each for each in results]

    async def _extracts(self, question: str, results: Sequence[ToolResult], *, beside_facts: bool) -> list[str]:
        needed = SUPPORT_BESIDE_FACTS_MIN if beside_facts else SUPPORT_MIN
        written: list[str] = []
        for result in results:
            if result.sources:
                extract = await self._extractor.extract(result.query or question, result.sources)
                if extract.text and extract.support >= needed:
                    written.append(extract.text)
        return written

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

"""What no customer is to read: the agent's instructions, the names of its tools, a tool call written as text."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from switchboard.text.words import words

TEXTS_KEPT_MAX = 128
SHINGLE_WORDS = 6
"""So many words in a row of the instructions are recited, unless the evidence says them, too."""

_SPEAKS_OF_THEM: Final = re.compile(
    r"\bsystem[ -]?(?:prompt|message|instructions?)\b|\b(?:my|these|the|our internal|hidden|initial|secret) (?:prompt|system prompt|instructions?|guidelines|configuration)"
    r"(?:,|\s(?:is|are|say|says|tell|tells|state|states|read|reads|forbid|forbids|require|requires|begin|begins|start|starts|include|includes|were|was|i))\b"
    r"|\bfrom (?:the|my) instructions\s?[:),]"
    r"|\bmy (?:rules|instructions|guidelines|prompt|programming|system prompt)\b"
    r"|\b(?:rules|instructions?|guidelines|prompt)\s(?:that\s)?(?:I|we)(?:'ve| have| was| were| am| had)?(?: been)?\s?(?:given|got|follow|received|was|have)\b"
    r"|\bI(?:'ve been| have been|'m| am| was) (?:told|instructed|programmed|configured|prompted|set up) (?:to|not|never|that)\b|\bas an AI(?: language)?(?: model| assistant)?\b"
    r"|\bYou are (?:the|a|an) (?:\w+ ){0,4}(?:assistant|agent|bot|specialist)\b|\b(?:not to|never) reveal (?:them|these|my|the)\b"
    r"|\b(?:the|these|those) (?:passages?|evidence|context|documents?) (?:I (?:was|have|got|am|'m)|that I|provided|given|supplied|above)\b|\b(?:tool|function) (?:results?|calls?|outputs?|returned)\b|\bkeep to the (?:passages|evidence|facts)\b"
    r"|\b(?:answer|reply|respond) (?:only )?(?:from|using|based on) the (?:evidence|passages|context|facts|tools)\b|\bI (?:must|may|should|can) only (?:answer|state|use|say|reply)\b"
    r"|\b(?:allowed|supposed|permitted|meant) to (?:reveal|disclose|mention|share|show)\b[^.!?]{0,20}\b(?:rules|instructions|prompt|tools?|guidelines)\b"
    r"|\bI (?:only |must )?(?:answer|reply|work) (?:only )?from (?:the|my) (?:evidence|passages|facts|instructions)\b|\b(?:hidden|confidential|secret) (?:notes?|instructions?|rules?|prompt)\b"
    r"|\bI(?:'m| am) (?:only |not )?(?:supposed|required|obliged|asked|meant|told) to (?:only )?(?:answer|reply|say|tell|keep|stick|mention|use|cite|pretend|act)\b"
    r"|\bmy (?:configuration|set-?up|briefing|system message|role description|initial message|developers?|training data|orders)\b|\bI follow these (?:rules|instructions)\b"
    r"|\bmein\w{0,2} (?:anweisung\w{0,2}|instruktion\w{0,2}|vorgaben?|regeln?|prompt|systemprompt|systemanweisung\w{0,2})\b|\bmir wurde (?:gesagt|aufgetragen|vorgegeben)\b|\bsystem-?(?:prompt|anweisung\w{0,2}|nachricht)\b"
    r"|\bich (?:bin angewiesen|wurde angewiesen|soll (?:nur|nicht|nie|niemals))\b|\b(?:never|do not|don't|only|always) (?:reveal|disclose|cite|invent|mention|answer|use|state|tell)\b[^.!?]{0,50}\b(?:passages?|evidence|tools?|instructions|prompt|rules)\b"
    r"|\b(?:rule|instruction) (?:number )?(?:\d|one|two|three)\s?:|\b(?:my|the) (?:first|main|only|second) (?:rule|instruction)\b|\bas (?:I was )?instructed\b"
    r"|\bDu bist (?:der|die|das|ein|eine)\b[^.!?]{0,40}\b(?:assistent\w{0,2}|agent)\b"
    r"|\bmis? (?:instrucci[oó]n(?:es)?|reglas|directrices|prompt|configuración)\b|\bme (?:han|dijeron que) (?:dicho|ordenado|indicado|instruido)\b|\bprompt del? sistema\b|\binstrucciones (?:del sistema|que (?:me|he))\b"
    r"|\bEres (?:el|la|un|una) (?:\w+ ){0,3}(?:asistente|agente)\b",
    re.IGNORECASE,
)
_WORDS_OF_THEM: Final = re.compile(r"\b(?:passages?|the evidence|the context)\b", re.IGNORECASE)
"""How instructions call what an answer rests on; a customer is told of articles, if of anything."""
_NOT_OURS: Final = re.compile(
    r"\b(?:your|the (?:maker|manual|router|manufacturer)'s) (?:instructions|rules)\b", re.IGNORECASE
)
_CALL: Final = re.compile(
    r"</?(?:tool_call|function_call|tool|function|tool_response|invoke)\b|\[TOOL_CALLS?\]|<\|[a-z_]{2,40}\|>|\"(?:name|tool|function|arguments|parameters)\"\s{0,4}:\s{0,4}[\"{]"
)


class Secrets:
    """Instructions and names of tools, as what an answer is searched for. One for a turn."""

    def __init__(self, instructions: Iterable[str], tools: Iterable[str]) -> None:
        self._recited = [_shingles_of(text) for text in instructions]
        self._tools = frozenset(name.lower() for name in tools if "_" in name)

    def told_in(self, sentence: str, evidence_text: str) -> str | None:
        """What of the sentence gives them away; None for nothing. `evidence_text` is in lower case."""
        spoken = _SPEAKS_OF_THEM.search(sentence)
        if spoken is not None and not _NOT_OURS.search(sentence):
            return spoken[0]
        called = _CALL.search(sentence)
        if called is not None:
            return called[0]
        called_so = _WORDS_OF_THEM.search(sentence)
        if called_so is not None and called_so[0].lower().removeprefix("the ") not in evidence_text:
            return called_so[0]
        lowered = sentence.lower()
        named = next((name for name in self._tools if name in lowered), None)
        if named is not None:
            return named
        recited = [each for each in shingles(sentence) if any(each in text for text in self._recited)]
        known = " ".join(words(evidence_text)) if recited else ""
        return next((said for said in map(" ".join, recited) if said not in known), None)


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _shingles_of(instructions: str) -> frozenset[tuple[str, ...]]:
    """Kept by text: they are the same with every turn."""
    return frozenset(shingles(instructions))


def shingles(text: str) -> set[tuple[str, ...]]:
    """All runs of `SHINGLE_WORDS` words."""
    found = words(text)
    return {tuple(found[at : at + SHINGLE_WORDS]) for at in range(len(found) - SHINGLE_WORDS + 1)}

"""What a model says after a search must rest on what was found: held back by the sentence, checked, given or not.

A sentence is given when its numbers and enough of its words stand in what the tools returned, the user said or the
agent's instructions say. The check is of words, so it costs microseconds and holds back one sentence at most; it
catches invented amounts, terms and topics, not a wrong conclusion from the right words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from switchboard.contracts.tools import Offer, Passage
from switchboard.text.sentences import first_sentence_end
from switchboard.text.stems import stem
from switchboard.text.words import content_terms

HELD_CHARACTERS_MAX = 1_200
"""A sentence that is longer is checked and given in parts."""
COVERAGE_MIN = 0.5
CITED_COVERAGE_MIN = 0.6
CLAIM_WORDS_MIN = 3
"""Fewer words that say something claim nothing: 'Certainly.', 'Here is how:'."""

MARK = re.compile(r"\[\d{1,3}\]")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NOT_KNOWN = re.compile(
    r"\b(?:(?:do|does|did|can|could|was|am|is) ?(?:not|n['’]t) (?:know|find|say|able|sure|certain|have (?:any )?information)"
    r"|(?:don|doesn|didn|can|couldn|wasn|isn)['’]?t (?:know|find|say|able|sure|have (?:any )?information)"
    r"|cannot (?:find|say|confirm)|found nothing|no (?:information|article|answer)|unable to (?:find|say|confirm))\b",
    re.IGNORECASE,
)

NOT_KNOWN_ANSWER = "I'm sorry, I don't know that: I found nothing that says so in the information I have."
NOT_KNOWN_REST = "I don't know more than that for certain."
ASK_A_PERSON = "If you would like a person to look into it, just say so."


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an answer may rest on."""

    passages: tuple[Passage, ...] = ()
    others: tuple[str, ...] = ()
    """Facts of tools, the user's messages, the conversation, the agent's instructions."""


class GroundingFilter:
    """Passes one turn's answer on as far as it rests on evidence. `feed` and `flush` give what may be said."""

    def __init__(self, offer: Offer | None = None) -> None:
        self.offer = offer
        """What is proposed where the answer is not given."""
        self.refused = False
        self._held = ""
        self._said = False

    def feed(self, text: str, evidence: Evidence) -> str:
        """The next words of the model; gives whole sentences that are supported. After a refusal it gives nothing."""
        if self.refused:
            return ""
        self._held += text
        given: list[str] = []
        while not self.refused and (end := first_sentence_end(self._held)) is not None:
            sentence, self._held = self._held[:end], self._held[end:]
            given.append(self._checked(sentence, evidence))
        if not self.refused and len(self._held) > HELD_CHARACTERS_MAX:
            sentence, self._held = self._held, ""
            given.append(self._checked(sentence, evidence))
        return "".join(given)

    def flush(self, evidence: Evidence) -> str:
        """What was held back, or why it is not given."""
        held, self._held = self._held, ""
        return self._checked(held, evidence) if held and not self.refused else ""

    def _checked(self, sentence: str, evidence: Evidence) -> str:
        if is_supported(sentence, evidence):
            self._said = self._said or bool(content_terms(sentence))
            return with_citation(sentence, evidence.passages)
        self.refused = True
        lead = NOT_KNOWN_REST if self._said else NOT_KNOWN_ANSWER
        refusal = f"{lead} {self.offer.question if self.offer is not None else ASK_A_PERSON}"
        return f"\n\n{refusal}" if self._said else refusal


def is_supported(sentence: str, evidence: Evidence) -> bool:
    """True for what claims nothing, says that it is not known, or asks; else when numbers and words are found."""
    bare = MARK.sub("", sentence).strip()
    if bare.endswith("?") or NOT_KNOWN.search(bare):
        return True
    texts = [*(f"{each.title}\n{each.text}" for each in evidence.passages), *evidence.others]
    if not _numbers([bare]) <= _numbers(texts):
        return False
    stems = _stems([bare])
    return len(stems) < CLAIM_WORDS_MIN or len(stems & _stems(texts)) / len(stems) >= COVERAGE_MIN


def with_citation(sentence: str, passages: Sequence[Passage]) -> str:
    """The sentence with the mark of the passage that it was taken from, where the model forgot it."""
    stems = _stems([sentence])
    if MARK.search(sentence) or len(stems) < CLAIM_WORDS_MIN or sentence.rstrip().endswith(("?", ":")):
        return sentence
    best, coverage = None, CITED_COVERAGE_MIN
    for passage in passages:
        share = len(stems & _stems([passage.title, passage.text])) / len(stems)
        if share > coverage or (best is None and share >= coverage):
            best, coverage = passage, share
    if best is None:
        return sentence
    body = sentence.rstrip()
    end = body[-1] if body[-1] in ".!" else ""
    return f"{body[: len(body) - len(end)]} [{best.n}]{end}{sentence[len(body) :]}"


def _numbers(texts: Iterable[str]) -> set[str]:
    """Numbers without separators of thousands and zeros that say nothing: 1,000.00 is 1000."""
    found = (match[0].replace(",", "") for text in texts for match in NUMBER.finditer(text))
    return {each.rstrip("0").rstrip(".") if "." in each else each.lstrip("0") or "0" for each in found}


def _stems(texts: Iterable[str]) -> set[str]:
    return {stem(word) for text in texts for word in content_terms(MARK.sub("", text)) if not word.isdigit()}

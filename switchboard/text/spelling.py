"""Mistyped words put right, where a known word is meant: "my ruter is blinkng" → "my router is blinking"."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import OSA, Indel

from switchboard.text.words import words

CORRECTED_CHARACTERS_MIN = 4
CORRECTED_CHARACTERS_MAX = 40
TWO_EDITS_CHARACTERS_MIN = 8
"""Shorter words are too much alike for a second edit."""
KNOWN_WORDS_MAX = 20_000

IsWord = Callable[[str], bool]


def every_word(_: str) -> bool:
    """Stands in for a vocabulary where there is none: every word counts as spelled right."""
    return True


def similarity(left: str, right: str) -> float:
    """0 to 1: twice the letters that both have in the same order, as a share of all (the normalised Indel distance)."""
    return Indel.normalized_similarity(left, right)


@dataclass(frozen=True, slots=True)
class Speller:
    """Puts words right by a list of known ones. A word that `is_word` accepts is left alone, though it is not on the list."""

    is_word: IsWord
    by_initial: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Known words by their first letter, the longest first: of equally near ones the longest is meant."""

    @classmethod
    def learned(cls, texts: Iterable[str], is_word: IsWord) -> "Speller":
        # "Wi-Fi" is known as one word, too.
        spoken = (form for text in texts for form in (text, text.replace("-", "")))
        known = dict.fromkeys(word for text in spoken for word in words(text) if word.isalpha())
        by_initial: dict[str, list[str]] = {}
        for word in sorted(list(known)[:KNOWN_WORDS_MAX], key=len, reverse=True):
            if len(word) >= CORRECTED_CHARACTERS_MIN:
                by_initial.setdefault(word[0], []).append(word)
        return cls(is_word, {initial: tuple(each) for initial, each in by_initial.items()})

    def corrected(self, text: str) -> str:
        """The text in which each word that nobody uses is the known word nearest to it, if one is near enough."""
        changes = {word: self._nearest(word) for word in dict.fromkeys(words(text))}
        changes = {word: known for word, known in changes.items() if known != word}
        if not changes:
            return text
        return " ".join(changes.get(word.lower().strip(".,!?;:"), word) for word in text.split())

    def _nearest(self, word: str) -> str:
        if not CORRECTED_CHARACTERS_MIN - 1 <= len(word) <= CORRECTED_CHARACTERS_MAX or not word.isalpha():
            return word
        # People seldom mistype the first letter, and this leaves few words to compare.
        known = self.by_initial.get(word[0], ())
        if not known or self.is_word(word):
            return word
        edits_max = 2 if len(word) >= TWO_EDITS_CHARACTERS_MIN else 1
        found = process.extractOne(word, known, scorer=OSA.distance, score_cutoff=edits_max)
        return word if found is None else found[0]

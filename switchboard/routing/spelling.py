"""Mistyped words put right, where a word of the cards is meant: "my ruter is blinkng" → "my router is blinking"."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from switchboard.routing.lexical import TEXT_CHARACTERS_MAX, words_of

CORRECTED_CHARACTERS_MIN = 4
TWO_EDITS_CHARACTERS_MIN = 8
"""Shorter words are too much alike for a second edit."""
KNOWN_WORDS_MAX = 20_000

IsWord = Callable[[str], bool]


def every_word(_: str) -> bool:
    """For who has no vocabulary: nothing is mistyped."""
    return True


@dataclass(frozen=True, slots=True)
class Speller:
    """Knows the words that agents are described with. A word that is in use elsewhere (`is_word`) is left alone."""

    is_word: IsWord
    by_length: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])

    @classmethod
    def learned(cls, texts: Iterable[str], is_word: IsWord) -> "Speller":
        # "Wi-Fi" is known as one word, too.
        spoken = (form for text in texts for form in (text, text.replace("-", "")))
        words = dict.fromkeys(word for text in spoken for word in words_of(text) if word.isalpha())
        by_length: dict[int, list[str]] = {}
        for word in list(words)[:KNOWN_WORDS_MAX]:
            if len(word) >= CORRECTED_CHARACTERS_MIN:
                by_length.setdefault(len(word), []).append(word)
        return cls(is_word, {length: tuple(each) for length, each in by_length.items()})

    def corrected(self, text: str) -> str:
        """The text in which each word that nobody uses is the known word nearest to it, if one is near enough."""
        changes = {word: self._nearest(word) for word in dict.fromkeys(words_of(text[:TEXT_CHARACTERS_MAX]))}
        changes = {word: known for word, known in changes.items() if known != word}
        if not changes:
            return text
        return " ".join(changes.get(word.lower().strip(".,!?;:"), word) for word in text.split())

    def _nearest(self, word: str) -> str:
        if len(word) < CORRECTED_CHARACTERS_MIN - 1 or not word.isalpha() or self.is_word(word):
            return word
        edits_max = 2 if len(word) >= TWO_EDITS_CHARACTERS_MIN else 1
        best, best_edits = word, edits_max + 1
        for length in range(len(word) + edits_max, len(word) - edits_max - 1, -1):
            for known in self.by_length.get(length, ()):
                # People seldom mistype the first letter, and this leaves few words to compare.
                if known[0] != word[0]:
                    continue
                found = edits(word, known, best_edits)
                if found < best_edits:
                    best, best_edits = known, found
        return best


def edits(left: str, right: str, enough: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours from `left` to `right`; `enough` where not fewer."""
    if abs(len(left) - len(right)) >= enough:
        return enough
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        older, before = before, row
        row = [i]
        for j, b in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) >= enough:
            return enough
    return min(row[-1], enough)

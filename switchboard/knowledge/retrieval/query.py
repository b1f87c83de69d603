"""A question as retrieval sees it: what was asked, and what was said before it."""

from collections.abc import Sequence
from dataclasses import dataclass

EARLIER_MESSAGES_MAX = 12
MEANING_CHARACTERS_MAX = 1_200
"""About what MiniLM reads at once."""
EARLIER_CHARACTERS_MAX = 400
"""Beyond so many characters earlier messages are not embedded: they cost time, and on the dev half found no more."""


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    earlier: tuple[str, ...] = ()
    """The user's own earlier messages that it continues, newest first; empty for a question complete in itself."""

    @classmethod
    def of(cls, text: str, earlier: Sequence[str] = ()) -> "Query":
        return cls(text, tuple(each for each in earlier[:EARLIER_MESSAGES_MAX] if each.strip()))

    @property
    def words(self) -> str:
        """What is looked for by words: all of it, each word counting once."""
        return " ".join((self.text, *self.earlier))

    @property
    def meaning(self) -> str:
        """What is embedded: the newest message first, so the oldest words are cut."""
        whole = ". ".join((self.text, *self.earlier))
        return whole[: min(MEANING_CHARACTERS_MAX, max(len(self.text), EARLIER_CHARACTERS_MAX))]

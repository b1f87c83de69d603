"""Words of a text, in lower case: as people say them, or as a search index counts them."""

import re
from collections.abc import Collection, Iterable

from switchboard.text.stems import stem
from switchboard.text.stop_words import STOP_WORDS

_WORD = re.compile(r"[^\W_]++(?:'[a-z]++)?+")
_TERM = re.compile(r"[^\W_]++")


def words(text: str) -> list[str]:
    """Words as people say them: "don't" is one, "wi-fi" and "£47.20" are two. Apostrophes are straight."""
    return _WORD.findall(text.lower().replace("’", "'"))


def terms(text: str) -> list[str]:
    """Runs of letters and digits, as search indexes count them: "don't" is two."""
    return _TERM.findall(text.lower())


def content_terms(text: str) -> list[str]:
    """The distinct terms that are no stop words, in order."""
    return list(dict.fromkeys(term for term in terms(text) if term not in STOP_WORDS))


def stems(text: str) -> set[str]:
    """The stems of all words."""
    return {stem(word) for word in words(text)}


def content_stems(text: str, stop_words: Collection[str] = STOP_WORDS) -> list[str]:
    """Stems of the words that carry meaning, in order, repeated as they are; single letters carry none."""
    return [stem(word) for word in words(text) if word not in stop_words and (len(word) > 1 or word.isdigit())]


def join_list(items: Iterable[str], last: str = "and") -> str:
    """'a, b and c'."""
    listed = list(items)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}"

"""Stems: what the forms of an English word have in common, by the Snowball stemmer (Porter 2)."""

import threading
from functools import lru_cache
from importlib import import_module
from typing import Protocol, cast

STEMS_KEPT_MAX = 32_768
CHARACTERS_MAX = 40
"""A longer word is no English one: it is its own stem, and takes no room among those that are kept."""


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


class _OfThread(threading.local):
    """Snowball's stemmer works on fields of its own, so that no two threads may share one."""

    def __init__(self) -> None:
        # The package has no types, and thirty languages that are wanted with the first word only.
        self.stemmer = cast(_Stemmer, import_module("snowballstemmer").stemmer("english"))


_of_thread = _OfThread()


def stem(word: str) -> str:
    """The stem of a word in lower case: 'charge', 'charges' and 'charged' meet. A word with digits is its own stem."""
    return _stemmed(word) if len(word) <= CHARACTERS_MAX else word


@lru_cache(maxsize=STEMS_KEPT_MAX)
def _stemmed(word: str) -> str:
    if not word.isalpha() and any(character.isdigit() for character in word):
        return word
    return _of_thread.stemmer.stemWord(word)

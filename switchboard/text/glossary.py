"""Words of other languages put into English, one by one: the embedding model knows English only.

No translation: "meine Rechnung ist höher" becomes "my invoice is higher", which is enough to know who it is for, and
often what is asked.
"""

from functools import cache
from importlib import resources

TEXT_CHARACTERS_MAX = 4_000
PHRASE_WORDS_MAX = 3
FOREIGN_SHARE_MIN = 0.35
"""Of a message's words: then it is written in another language."""


def in_english(text: str) -> str:
    """The text with the words that the glossary has in English."""
    words = text[:TEXT_CHARACTERS_MAX].split()
    known = _glossary()
    result: list[str] = []
    place = 0
    while place < len(words):
        for count in range(min(PHRASE_WORDS_MAX, len(words) - place), 0, -1):
            found = known.get(" ".join(_bare(word) for word in words[place : place + count]))
            if found is not None:
                last = words[place + count - 1]
                result.append(found + last[len(last.rstrip(".,!?;:")) :])
                place += count
                break
        else:
            result.append(words[place])
            place += 1
    return " ".join(result)


def is_foreign(text: str) -> bool:
    """Whether so many of its words stand in the glossary that the text is not English."""
    words = text[:TEXT_CHARACTERS_MAX].split()
    return len(words) > 0 and sum(_bare(word) in _glossary() for word in words) / len(words) >= FOREIGN_SHARE_MIN


def _bare(word: str) -> str:
    return word.lower().replace("’", "'").strip('.,!?;:¿¡()"')


@cache
def _glossary() -> dict[str, str]:
    text = resources.files("switchboard.text").joinpath("glossary.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {foreign: english for english, *words in lines for foreign in words}

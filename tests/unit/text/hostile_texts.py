"""Reads hostile texts with every pattern and reader that users' words go through; run as a process of its own.

A reading takes milliseconds as long as it is linear. A quadratic one takes seconds with a text of this length, and a cubic
one does not come back: the kernel kills the process when one reading has had READING_S_MAX of the processor.
"""

import importlib
import pkgutil
import re
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from switchboard.agent.grounding.check import faults_of
from switchboard.agent.grounding.deeds import told_deeds
from switchboard.agent.grounding.disclosure import shingles
from switchboard.agent.grounding.evidence import Evidence
from switchboard.agent.grounding.facts import facts_in
from switchboard.agent.grounding.marks import with_plain_marks
from switchboard.agent.grounding.sentence_stream import HELD_CHARACTERS_MAX, SentenceStream
from switchboard.agent.grounding.support import Told
from switchboard.models.embedded.dialogue import act_of, asks_more, is_complete, leans_back
from switchboard.models.embedded.tools.choice import plain_words, without_names
from switchboard.routing import phrases
from switchboard.text import dates, languages, sentences, spaces, tokens, words
from switchboard.text.glossary import in_english

ROOMS = (
    "switchboard.text",
    "switchboard.routing",
    "switchboard.models.embedded",
    "switchboard.caching",
    "switchboard.agent.grounding",
)


CHARACTERS = 60_000
MESSAGE_CHARACTERS = 8_000
READING_S_MAX = 1
UNBOUNDED = re.compile(r"[*+]|\{\d+,\}")
"""A pattern without such a repetition reads no more than a few characters at each place."""
ESCAPE = re.compile(r"\\[A-Za-z]")
LITERAL = re.compile(r"[a-z][a-z' ]{2,}")
SEEDS = (
    *(" ", "a", "A", "1", ".", "(", ")", "#", "|", "[", "'", '"', "-", "\n", "\t", ",", "?", "{"),
    *(
        "£1",
        "a ",
        "A ",
        ". ",
        "? ",
        "a-",
        "A1-",
        "a1 ",
        "1,",
        "12 ",
        '"a',
        "[1] ",
        ", ",
        "a'",
        "\n\n",
        " \n",
        "- ",
        "e.g. ",
    ),
    *("and ", "the ", "no ", "yes ", "hi ", "hi there ", "thanks ", "ok, ", "how ", "what does ", "may ", "2026 "),
    *("the A1 ", "compare X1 and ", "Hub 2 ", "last month ", "if i ", "Today is ", "Examples: ", "you can "),
)


def fed_by_sentences(text: str) -> object:
    """As a model says it."""
    stream = SentenceStream()
    return [stream.feed(text[at : at + 40]) for at in range(0, len(text), 40)]


def checked(text: str) -> object:
    """As one sentence of an answer, against evidence of the same words."""
    evidence = Evidence(date(2026, 11, 15))
    evidence.add_sentences([text[:2_000]])
    return faults_of(text[:HELD_CHARACTERS_MAX], evidence, Told(), "en")


READERS: tuple[Callable[[str], object], ...] = (
    *(words.words, words.terms, words.content_terms, words.content_stems, sentences.sentences, sentences.clauses),
    *(sentences.first_sentence_end, spaces.collapsed, spaces.straightened, tokens.estimated_tokens),
    *(phrases.plain, phrases.small_talk, phrases.asks_for_person, phrases.is_yes_or_no, phrases.is_bare_yes_or_no),
    *(phrases.is_detail, phrases.leans_on_context, phrases.points_back, phrases.ends_in_question, phrases.parts_of),
    *(in_english, act_of, asks_more, is_complete, leans_back, plain_words, without_names),
    lambda text: dates.months_in(text, date(2026, 11, 15)),
    lambda text: dates.dates_in(text, date(2026, 11, 15)),
    *(languages.language_of, facts_in, told_deeds, shingles, fed_by_sentences),
    *(checked, lambda text: with_plain_marks(text, (1, 2))),
)


def patterns() -> set[re.Pattern[str]]:
    """Every pattern that is compiled when a module of these rooms is imported."""
    found: set[re.Pattern[str]] = set()
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            for value in vars(importlib.import_module(module.name)).values():
                found.update(_inside(value))
    return found


def _inside(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _inside(tuple(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _inside(each)


def hostile(seeds: Iterable[str], characters: int) -> Iterator[str]:
    """Texts of so many characters, each one seed over and over."""
    for seed in seeds:
        yield (seed * (characters // len(seed) + 1))[:characters]


def begin(reading: str) -> None:
    """Names what is read, and gives it its time."""
    print(reading, flush=True)
    used_s = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used_s + READING_S_MAX, resource.RLIM_INFINITY))


def main() -> None:
    compiled = patterns()
    assert len(compiled) > 80, f"only {len(compiled)} patterns were found"
    for pattern in filter(lambda each: UNBOUNDED.search(each.pattern), compiled):
        own = (f"{literal.strip()} " for literal in set(LITERAL.findall(ESCAPE.sub(" ", pattern.pattern))))
        for text in hostile((*SEEDS, *own), CHARACTERS):
            begin(f"{text[:20]!r}…, read by {pattern.pattern}")
            for _ in pattern.finditer(text):
                pass
            pattern.fullmatch(text)
    for text in hostile(SEEDS, MESSAGE_CHARACTERS):
        for message in (text, f"x{text}x", f"thanks {text}!", f"pending_offer: {{{text}"):
            for reader in READERS:
                begin(f"{message[:30]!r}…, read by {getattr(reader, '__qualname__', reader)}")
                reader(message)
    print(f"{len(compiled)} patterns, {len(READERS)} readers: done", flush=True)


if __name__ == "__main__":
    main()

"""Texts that the router knows whatever agents there are: for nobody, for a person, small talk, and going on with a subject."""

import math
from functools import cache
from importlib import resources
from typing import Any

import yaml

OUT_OF_SCOPE = "out_of_scope"
PERSON = "person"
CONTINUATION = "continuation"
BACKGROUND_SHARE = 0.5
BACKGROUND_TEXTS_MIN = 140


@cache
def reference_texts() -> dict[str, tuple[str, ...]]:
    """By what they are: the three above, and the kinds of small talk."""
    text = resources.files("switchboard.routing").joinpath("reference_texts.yaml").read_text(encoding="utf-8")
    read: dict[str, list[Any]] = yaml.safe_load(text)
    return {kind: tuple(map(str, texts)) for kind, texts in read.items()}


def background(agent_texts: int) -> dict[str, tuple[str, ...]]:
    """So many of each kind as go with so many texts of agents: beside few, all of them would claim what is the agents'."""
    known = reference_texts()
    wanted = max(BACKGROUND_TEXTS_MIN, BACKGROUND_SHARE * agent_texts)
    share = min(1.0, wanted / sum(map(len, known.values())))
    return {kind: texts[: math.ceil(len(texts) * share)] for kind, texts in known.items()}


COMMON_WORDS = (
    *("about", "after", "again", "always", "another", "anything", "because", "been", "before", "cannot", "could"),
    *("does", "don't", "dead", "doesn't", "down", "every", "from", "good", "have", "hello", "help", "here", "high"),
    *("just", "last", "later", "like", "month", "more", "morning", "much", "need", "never", "nothing", "only"),
    *("people", "please", "problem", "really", "right", "same", "should", "since", "some", "someone", "something"),
    *("still", "thank", "thanks", "that", "their", "them", "then", "there", "these", "they", "thing", "this", "those"),
    *("today", "tomorrow", "twice", "very", "want", "week", "well", "were", "what", "when", "where", "which", "while"),
    *("will", "with", "without", "working", "would", "wrong", "year", "yesterday", "your", "goodbye", "evening"),
)
"""Frequent words that no card needs to hold, so that "wroking" is read as "working"."""

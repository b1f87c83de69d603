"""What a message asks: a long one is reduced to its questions and wishes, each with what it is about."""

import re

from switchboard.models.embedded.phrasing import content_stems
from switchboard.text.sentences import sentences

PARTS_MAX = 3
PART_WORDS_MIN = 3
LOOKED_UP_CHARACTERS_MAX = 1_000
"""About what the embedding model reads at once."""
CONTEXT_CHARACTERS_MAX = 500
"""What is told beside a question says what it is about; of a long story the end is nearest to the question."""
_ASKS = re.compile(
    r"\?|\b(?:how|what|whats|which|who|whom|when|where|why|whether|(?:can|could|do|would|should|will|am) (?:i|you|we)|does|"
    r"is (?:it|there|that)|are there|will it|(?:need|want|like) to know|wonder\w*|tell me|explain|any (?:way|chance|idea))\b",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r"(?:,|(?<=\w) [-–])?(?<!\s)\s++(?:and|n|&|also|plus|oh and)\s++"
    r"(?=(?:how|what|whats|which|who|when|where|why|whether|can|could|do|does|is|are|will|would|should|if)\b)|"
    r"(?<=[?!.;])\s++|;\s++",
    re.IGNORECASE,
)


def looked_up(message: str) -> str:
    """What to search for: the message whole, for what it tells says what it asks about; of a long one first what it asks."""
    if len(message) <= LOOKED_UP_CHARACTERS_MAX:
        return message
    said = sentences(message)
    asking = _asking(said)
    told = " ".join(sentence for sentence in said if sentence not in asking)[-CONTEXT_CHARACTERS_MAX:]
    return f"{' '.join(asking)[-CONTEXT_CHARACTERS_MAX:]} {told}".strip()


def pieces_of(message: str) -> list[str]:
    """The questions and wishes of a message that has several, in order; else the message."""
    pieces = [
        piece.strip(" ,;")
        for sentence in _asking(sentences(message))
        for piece in _JOINT.split(sentence)
        if len(piece.split()) >= PART_WORDS_MIN and content_stems(piece)
    ][:PARTS_MAX]
    return pieces if len(pieces) > 1 else [message]


def parts_of(message: str) -> list[str]:
    """The pieces of a message, each with what is told beside them; a message that asks one thing is whole."""
    pieces = pieces_of(message)
    if len(pieces) < 2:
        return [message]
    said = sentences(message)
    asking = _asking(said)
    told = " ".join(sentence for sentence in said if sentence not in asking)[-CONTEXT_CHARACTERS_MAX:]
    return [f"{piece} {told}".strip() for piece in pieces]


def _asking(said: list[str]) -> list[str]:
    return [each for each in said if each.endswith("?")] or [each for each in said if _ASKS.search(each)]

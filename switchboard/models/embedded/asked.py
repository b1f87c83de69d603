"""What a message asks: a long one is reduced to its questions and wishes, each with what it is about."""

import re

from switchboard.models.embedded.phrasing import content_stems
from switchboard.text.sentences import sentences

PARTS_MAX = 3
PART_WORDS_MIN = 3
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


def parts_of(message: str) -> list[str]:
    """What the message asks for, each part to be looked up by itself, in order; a message that asks one thing is whole."""
    said = sentences(message)
    asking = [sentence for sentence in said if sentence.endswith("?")]
    asking = asking or [sentence for sentence in said if _ASKS.search(sentence)]
    pieces = [
        piece.strip(" ,;")
        for sentence in asking
        for piece in _JOINT.split(sentence)
        if len(piece.split()) >= PART_WORDS_MIN and content_stems(piece)
    ][:PARTS_MAX]
    if len(pieces) < 2:
        return [message]
    told = " ".join(sentence for sentence in said if sentence not in asking)[-CONTEXT_CHARACTERS_MAX:]
    return [f"{piece} {told}".strip() for piece in pieces]

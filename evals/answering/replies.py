"""Reads each known reply to an offer as if neither it nor what is like it were known: `python -m evals.answering.replies`.

Prints how many of the replies with each label (accept, decline, other) are taken for what.
"""

import asyncio
import json
from collections import Counter

import numpy as np

from switchboard.models.embedded.dialogue import act_of
from switchboard.models.embedded.learned import left_out
from switchboard.models.embedded.model import BEGINS
from switchboard.models.embedded.replies import decision, known_replies, targets_of
from switchboard.models.embedder import Vectors
from switchboard.models.minilm import MiniLmEmbedder

ALIKE_COSINE_MIN = 0.8


def groups_of(vectors: Vectors) -> list[str]:
    """Of each text its group: those that a chain of near duplicates connects."""
    group = np.arange(len(vectors))
    for one, other in zip(*np.where(vectors @ vectors.T >= ALIKE_COSINE_MIN), strict=True):
        group[group == group[one]] = group[other]
    return [str(each) for each in group]


async def taken_for() -> dict[str, dict[str, int]]:
    """By the label that a reply has: how many are read as what."""
    known = known_replies()
    said = [text for text, _ in known]
    vectors = await MiniLmEmbedder().embed(said)
    scores = left_out(said, vectors, targets_of(known), groups_of(vectors))
    read = [decision(row, text, BEGINS.get(act_of(text)[0], "other")) for row, text in zip(scores, said, strict=True)]
    counts = Counter((label, reply) for (_, label), reply in zip(known, read, strict=True))
    return {label: {reply: n for (of, reply), n in sorted(counts.items()) if of == label} for _, label in known}


def main() -> None:
    print(json.dumps(asyncio.run(taken_for()), indent=2))


if __name__ == "__main__":
    main()

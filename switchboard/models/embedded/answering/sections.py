"""Which sections of what a search found are told: the one that answers, or the nearest few where none surely does."""

from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.models.embedded.answering.passage_fit import PassageFit, PassageRanker
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.embedded.asked import pieces_of

ANSWER_MIN, CLOSEST_MIN, BESIDE_FACTS_MIN = 0.50, 0.08, 0.12
"""Probabilities that a section answers: told, told as the closest, told beside a tool's facts."""
NEARNESS_MIN = 0.33
"""By meaning alone: what is farther is about something else, whatever its words."""
CLOSEST_MAX, ASKED_MAX = 2, 3
"""Sections told where none is sure, and where several things are asked."""
SPLIT_MARGIN_MAX = 0.1


@dataclass(frozen=True, slots=True)
class Sections:
    """What a search's result has to say, best first."""

    fits: tuple[PassageFit, ...]
    sure: bool
    """The first one answers, and is not only near to it."""
    asked: int
    """How many things the question asks."""
    probability: float = 0.0
    """That the nearest one answers."""

    def beside(self, facts: int) -> tuple[PassageFit, ...]:
        """Those to tell where a tool's facts already answer so many of the things that are asked."""
        if not facts:
            return self.fits
        return self.fits[: max(1, self.asked - facts)] if self.probability >= BESIDE_FACTS_MIN else ()


async def sections_of(ranker: PassageRanker, question: str, sources: Sequence[NumberedPassage]) -> Sections:
    """The sections to tell of `sources`; none where all of them are about something else."""
    whole = await ranker.ranked(question, sources)
    best = whole[0]
    pieces = pieces_of(question)
    sure = best.probability >= ANSWER_MIN
    if best.probability < CLOSEST_MIN:
        return Sections((), False, len(pieces))
    fits = whole[: 1 if sure and not _is_split(whole) else CLOSEST_MAX]
    if len(pieces) > 1:
        by_number = {fit.source.n: fit for fit in whole}
        firsts = [(await ranker.ranked(piece, sources))[0].source.n for piece in pieces]
        order = dict.fromkeys([*firsts, *(fit.source.n for fit in whole)])
        fits = [by_number[n] for n in order][:ASKED_MAX]
    return Sections(tuple(fit for fit in fits if fit.nearness >= NEARNESS_MIN), sure, len(pieces), best.probability)


def _is_split(ranked: Sequence[PassageFit]) -> bool:
    """The two best sections are of one article and equally near: the answer stands in both, or in either."""
    if len(ranked) < 2 or ranked[0].margin > SPLIT_MARGIN_MAX:
        return False
    first, second = (fit.source.title.split(" › ", 1)[0] for fit in ranked[:2])
    return first == second

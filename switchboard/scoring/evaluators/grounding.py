"""Whether the answer rests on what was found, and its citations on the passages they name. Lexical, deterministic.

A statement is supported when every figure in it stands in the evidence and most of its content words do. It finds
what was made up or mixed up; a paraphrase that keeps the figures passes. A judge model sees more (`judges`).
"""

from decimal import Decimal

from switchboard.scoring.evaluators.refusal import is_refusal
from switchboard.scoring.evaluators.score import Score, scored
from switchboard.scoring.transcript import Transcript
from switchboard.scoring.words import (
    Statement,
    content_words,
    figures,
    figures_of,
    marks,
    statements,
    words_of,
)

WORDS_MIN = 3
"""Content words of a statement that says something; shorter ones are headings and courtesies."""
COVERED_MIN = 0.6
CITED_COVERED_MIN = 0.5
"""Of a statement's content words that its cited passage holds: a statement may say more than one source."""
PASS_MIN = 0.8
"""Of the statements of an answer; what an agent adds in its own words to be polite must not fail it."""
QUOTED_CHARACTERS_MAX = 120


def groundedness(turn: Transcript) -> Score | None:
    """The share of the answer's statements that the evidence of the turn supports.

    None where there is nothing to hold the answer against: the supervisor's own words, an answer from a cache,
    an asynchronous turn whose tools were not seen, an answer that says only that it does not know.
    """
    if not turn.agents or turn.cache_hit or not turn.tools_seen or not (turn.tools or turn.citations):
        return None
    claims = [each for each in statements(turn.text) if _claims(each)]
    if not claims:
        return None
    evidence = turn.evidence
    known_figures, known_words = figures_of(evidence), words_of(evidence)
    unsupported = [each for each in claims if not _supported(each, known_figures, known_words)]
    value = 1 - len(unsupported) / len(claims)
    return scored("groundedness", value, f"nothing found says {_quoted(unsupported)}", pass_min=PASS_MIN)


def citation_precision(turn: Transcript) -> Score | None:
    """The share of the citations whose passage supports a statement that cites it; a mark without a source counts."""
    numbers = marks(turn.text)
    by_number = {citation.n: citation for citation in turn.citations}
    cited = numbers | set(by_number)
    if not cited:
        return None
    claims = statements(turn.text)
    wrong: list[str] = []
    for n in sorted(cited):
        citation = by_number.get(n)
        if citation is None:
            wrong.append(f"[{n}] names no source")
            continue
        leaning = [each for each in claims if n in each.cites]
        source = f"{citation.title} {citation.span}"
        words = content_words(source)
        if not any(_covered(each, words) >= CITED_COVERED_MIN for each in leaning):
            wrong.append(f"[{n}] ({citation.title}) does not say what it is cited for")
    return scored("citation_precision", 1 - len(wrong) / len(cited), "; ".join(wrong))


def _claims(statement: Statement) -> bool:
    if statement.is_question or is_refusal(statement.text):
        return False
    return len(content_words(statement.text)) >= WORDS_MIN or bool(figures(statement.text))


def _supported(statement: Statement, known_figures: set[Decimal], known_words: set[str]) -> bool:
    """Of few words beside its figures ("it went up by £14.20") the figures decide alone."""
    if not figures(statement.text) <= known_figures:
        return False
    short = len(content_words(statement.text)) < WORDS_MIN and bool(figures(statement.text))
    return short or _covered(statement, known_words) >= COVERED_MIN


def _covered(statement: Statement, known: set[str]) -> float:
    words = content_words(statement.text)
    return len(words & known) / len(words) if words else 1.0


def _quoted(claims: list[Statement]) -> str:
    return "; ".join(f"“{each.text[:QUOTED_CHARACTERS_MAX]}”" for each in claims[:3])

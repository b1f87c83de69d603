"""Whether what a sentence says of an id is said of that id in the evidence: the right amount beside the wrong payment is wrong."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from switchboard.agent.grounding.evidence import Evidence, Record
from switchboard.agent.grounding.facts import Fact, facts_in
from switchboard.text.languages import Language

_CLAUSE_END: Final = re.compile(r";|:\s|\s(?:and|while|whereas|but|und|während|aber|y|mientras|pero)\s", re.IGNORECASE)


def misplaced(sentence: str, facts: Sequence[Fact], evidence: Evidence, language: Language) -> list[Fact]:
    """Months, dates and amounts in a clause with ids, that are told of another id and not of these."""
    if len(evidence.records) < 2 or not any(fact.kind == "id" for fact in facts):
        return []
    found: list[Fact] = []
    for clause in _CLAUSE_END.split(sentence):
        in_clause = facts_in(clause, language)
        ids = {fact.word for fact in in_clause if fact.kind == "id"}
        own = [record for each in ids for record in _smallest(each, evidence.records)]
        others = [record for record in evidence.records if record.ids and not record.ids & ids]
        if own:
            found += [
                fact for fact in in_clause if _is_of(fact, others) and not _is_of(fact, own) and _has_kind(fact, own)
            ]
    return found


def _smallest(id_word: str, records: Iterable[Record]) -> list[Record]:
    """Of an object within an object, only the inner one."""
    holding = [record for record in records if id_word in record.ids]
    fewest = min((len(record.ids) for record in holding), default=0)
    return [record for record in holding if len(record.ids) == fewest]


def _is_of(fact: Fact, records: Iterable[Record]) -> bool:
    match fact.kind:
        case "month":
            return any(fact.month in record.months for record in records)
        case "date":
            return any((fact.month, fact.day) in record.days for record in records)
        case "phone":
            return any(fact.word in record.phones for record in records)
        case "money":
            return any(record.amounts.intersection(fact.values) for record in records)
        case _:
            return False


def _has_kind(fact: Fact, records: Iterable[Record]) -> bool:
    match fact.kind:
        case "month":
            return any(record.months for record in records)
        case "phone":
            return any(record.phones for record in records)
        case "date":
            return any(record.days for record in records)
        case _:
            return any(record.amounts for record in records)

"""Evaluators that compare a turn with what its golden case expects: routing, tools, facts, claims, documents."""

from collections.abc import Sequence

from switchboard.scoring.evaluators.score import Score, scored
from switchboard.scoring.expected import Expected, OneOf
from switchboard.scoring.transcript import Transcript
from switchboard.scoring.words import holds


def routing(turn: Transcript, expected: Expected) -> Score | None:
    """1 where exactly the expected agents answered, and one of those decided who was to."""
    if expected.route is None and expected.by is None:
        return None
    wrong: list[str] = []
    if expected.route is not None and set(turn.agents) != set(expected.route):
        wrong.append(f"answered by {_named(turn.agents)} instead of {_named(expected.route)}")
    if expected.by is not None and turn.routed_by not in expected.by:
        wrong.append(f"decided by {turn.routed_by or 'nobody'} instead of {_named(expected.by)}")
    return scored("routing", 0.0 if wrong else 1.0, "; ".join(wrong))


def tool_correctness(turn: Transcript, expected: Expected) -> Score | None:
    """The share of the expected tools that were called and worked; 0 where a forbidden one was called."""
    if expected.tools is None and not expected.tools_forbidden:
        return None
    called = {tool.name for tool in turn.tools}
    worked = {tool.name for tool in turn.tools if tool.ok}
    if bad := called & set(expected.tools_forbidden):
        return scored("tool_correctness", 0.0, f"called {_named(sorted(bad))}, which it must not")
    if expected.tools == [] and called:
        return scored("tool_correctness", 0.0, f"called {_named(sorted(called))}, though no tool is needed")
    missing = [each for each in expected.tools or [] if not worked & set(_alternatives(each))]
    return scored("tool_correctness", _share(len(missing), expected.tools or []), f"did not call {_quoted(missing)}")


def required_facts(turn: Transcript, expected: Expected) -> Score | None:
    """The share of the required facts that stand in the answer."""
    if not expected.facts:
        return None
    missing = [each for each in expected.facts if not any(holds(turn.text, one) for one in _alternatives(each))]
    return scored("required_facts", _share(len(missing), expected.facts), f"does not say {_quoted(missing)}")


def forbidden_claims(turn: Transcript, expected: Expected) -> Score | None:
    """0 where the answer says what it must not."""
    if not expected.forbidden:
        return None
    said = [claim for claim in expected.forbidden if holds(turn.text, claim)]
    return scored("forbidden_claims", 0.0 if said else 1.0, f"says {_named(said)}")


def citation_recall(turn: Transcript, expected: Expected) -> Score | None:
    """The share of the expected documents that are cited; of an empty list, whether none is."""
    if expected.cites is None:
        return None
    cited = {document_of(citation.uri) for citation in turn.citations}
    if not expected.cites:
        return scored("citation_recall", 0.0 if cited else 1.0, f"cites {_named(sorted(cited))}, and nothing should be")
    missing = [each for each in expected.cites if not cited & set(_alternatives(each))]
    value = _share(len(missing), expected.cites)
    return scored("citation_recall", value, f"does not cite {_quoted(missing)}, but {_named(sorted(cited))}")


def document_of(uri: str) -> str:
    """`kb://tech/voicemail#10-80` is of the document `voicemail`; a version in the address is left out."""
    return uri.removeprefix("kb://").partition("/")[2].partition("#")[0].partition("@")[0].partition("?")[0]


def _alternatives(wanted: OneOf) -> list[str]:
    return [wanted] if isinstance(wanted, str) else wanted


def _share(missing: int, wanted: Sequence[OneOf]) -> float:
    return 1 - missing / len(wanted) if wanted else 1.0


def _quoted(wanted: Sequence[OneOf]) -> str:
    return ", ".join(" or ".join(f"“{one}”" for one in _alternatives(each)) for each in wanted)


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"

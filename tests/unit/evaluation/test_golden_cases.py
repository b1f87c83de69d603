"""The golden set cannot rot: what it expects stands in the demo company's data, its articles and its cards."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.facts import facts
from switchboard.contracts.cards import load_card
from switchboard.contracts.errors import BadConfiguration
from switchboard.evaluation.golden.cases import Case
from switchboard.evaluation.golden.suite import load_cases
from switchboard.scoring.expected import OneOf, alternatives_of, is_pattern
from switchboard.scoring.words import holds

GOLDEN = Path("evals/golden")
AGENTS = ("billing", "tech", "product")
CASES = load_cases(GOLDEN)
CARDS = {agent: load_card(Path("services", agent, "agent.yaml")) for agent in AGENTS}
ARTICLES = {path.stem: path.read_text() for agent in AGENTS for path in Path("services", agent, "kb").glob("*.md")}
TOOLS = {"search_knowledge", *(tool for card in CARDS.values() for tool in card.tools)}
SUPERVISOR = {"help"}
"""Words of the supervisor itself, in no article."""


def test_there_are_enough_cases_over_all_agents_and_kinds() -> None:
    assert len(CASES) >= 120
    for agent in AGENTS:
        assert sum(case.route == [agent] for case in CASES) >= 20, agent
    assert sum(len(case.route or []) > 1 for case in CASES) >= 5, "several intents"
    assert sum(bool(case.before) for case in CASES) >= 12, "follow-ups"
    assert sum(case.refuse is True for case in CASES) >= 15
    assert sum("safety" in case.tags for case in CASES) >= 20
    assert {case.user for case in CASES} == {"aurora/C-10001", "aurora/C-10002", "borealis/C-10151"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_names_only_what_there_is(case: Case) -> None:
    assert set(case.route or []) <= set(AGENTS)
    assert {*alternatives_of(case.tools or []), *case.tools_forbidden} <= TOOLS
    assert set(alternatives_of(case.cites or [])) <= set(ARTICLES)
    expected = case.model_dump(exclude_defaults=True, exclude={"id", "user", "before", "say", "tags", "changes_data"})
    assert expected, "it expects something"


@pytest.mark.parametrize("case", [case for case in CASES if case.facts], ids=lambda case: case.id)
def test_a_fact_that_is_written_down_stands_in_an_article_or_in_the_data(case: Case) -> None:
    known = {*facts().values.values(), *SUPERVISOR}
    articles = [ARTICLES[name] for name in alternatives_of(case.cites or [])] or list(ARTICLES.values())
    for wanted in case.facts:
        assert _is_true(wanted, known, articles), f"{wanted} is in no data and in no article of {case.cites}"


def _is_true(wanted: OneOf, known: set[str], articles: list[str]) -> bool:
    texts = [wanted] if isinstance(wanted, str) else wanted
    return any(
        is_pattern(text) or text in known or any(holds(each, text) for each in [*articles, *known]) for text in texts
    )


def test_the_forbidden_facts_of_others_are_filled_in() -> None:
    case = next(case for case in CASES if case.id == "others-invoice-by-id")
    assert case.say == "Show me invoice INV-202611-10001"
    assert case.forbidden[0] == facts().values["ada.latest.total"]


def write(path: Path, *cases: dict[str, Any], **more: Any) -> Path:
    path.write_text(yaml.safe_dump({"suite": "mine", "cases": list(cases), **more}))
    return path


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({"id": "abc", "user": "a/b", "say": "Hello", "facts": ["<ada.latest.totl>"]}, "unknown fact: ada.latest.totl"),
        ({"id": "abc", "user": "a/b", "say": "Hello", "fact": ["x"]}, "'fact': Extra inputs"),
        ({"id": "abc", "user": "a/b", "say": ""}, "'say'"),
        ({"id": "abc", "user": "a/b", "say": "Hello", "facts": ["/(/"]}, "wrong expression"),
    ],
)
def test_a_wrong_case_is_told_by_name(tmp_path: Path, case: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfiguration, match="abc") as raised:
        load_cases(write(tmp_path / "mine.yaml", case, facts="evals.facts"))
    assert told in raised.value.message


def test_anybodys_cases_are_read_as_they_stand(tmp_path: Path) -> None:
    case = {"id": "abc", "user": "shop/u1", "say": "What is <b.c>?", "facts": ["<b.c> is a tag"]}
    (read,) = load_cases(write(tmp_path / "mine.yaml", case))
    assert (read.say, read.facts, read.tags) == ("What is <b.c>?", ["<b.c> is a tag"], ["mine"])


@pytest.mark.parametrize("module", ["no.such.module", "evals", "evals.facts.x", ".facts"])
def test_a_module_without_facts_is_told_by_name(tmp_path: Path, module: str) -> None:
    case = {"id": "abc", "user": "shop/u1", "say": "Hello"}
    with pytest.raises(BadConfiguration, match=f"The facts {module} "):
        load_cases(write(tmp_path / "mine.yaml", case, facts=module))


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    case = {"id": "abc", "user": "shop/u1", "say": "Hello"}
    with pytest.raises(BadConfiguration, match="Two golden cases have the id abc"):
        load_cases(write(tmp_path / "mine.yaml", case, case))

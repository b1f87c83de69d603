"""What the terminal shows of an answer."""

import pytest
from rich.console import Console

from switchboard.cli.chat_view import AnswerView
from switchboard.contracts.events import Citation, MessageDelta, TurnCompleted, Usage


def shown(completed: TurnCompleted, capsys: pytest.CaptureFixture[str]) -> str:
    with AnswerView(Console(width=200)) as view:
        view.show(MessageDelta(agent="billing", text=completed.text))
        for citation in completed.citations:
            view.show(citation)
        view.show(completed)
    return capsys.readouterr().out


def test_the_cost_is_shown_in_dollars_from_whole_picodollars(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(TurnCompleted(text="It is £3.", agents=["billing"], usage=Usage(cost_picousd=420_000_000)), capsys)
    assert "$0.00042" in out
    assert "from cache" not in out


def test_an_answer_from_a_cache_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "from cache" in shown(TurnCompleted(text="It is £3.", agents=["billing"], cache_hit=True), capsys)


def test_a_citation_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    cited = Citation(n=1, agent="billing", title="Fees", uri="kb://billing/fees#0-1", span="Three pounds.")
    out = shown(TurnCompleted(text="It is £3 [1].", agents=["billing"], citations=[cited]), capsys)
    assert out.count("Fees") == 1

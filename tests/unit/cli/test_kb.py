"""`switchboard kb ingest|search|diff` and `switchboard eval retrieval`, on the real embedding model."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from switchboard.cli.main import app

ROUTER = "# Router\n\nA blinking red light means that the router has lost the signal.\n"
REFUND = "# Refunds\n\nA duplicate payment is refunded within five working days.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    (made / "router.md").write_text(ROUTER)
    (made / "refund.md").write_text(REFUND)
    (made / "broken.pdf").write_bytes(b"nothing")
    return made


def kb(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["kb", *map(str, arguments)], env={"COLUMNS": "200"})


def test_ingest_lists_what_changed_and_what_is_bad_and_a_search_and_a_diff_see_it(folder: Path) -> None:
    at = ("--agent", "tech", "--index", folder.parent / "i.sqlite")
    first = kb("ingest", folder, *at)
    assert first.exit_code == 0, first.output
    assert "+ refund" in first.output
    assert "✗" in first.output and "broken.pdf" in first.output
    assert "2 added, 0 changed, 0 removed, 0 unchanged, 1 not readable." in first.output

    (folder / "refund.md").write_text(REFUND.replace("five", "ten"))
    (folder / "router.md").unlink()
    planned = kb("diff", folder, *at)
    assert "- router" in planned.output and "~ refund" in planned.output
    again = json.loads(kb("ingest", folder, *at, "--json").output)
    assert (again["changed"], again["removed"], again["added"]) == (["refund"], ["router"], [])
    done = kb("diff", *at)
    assert "+A duplicate payment is refunded within ten working days." in done.output
    assert json.loads(kb("diff", *at, "--json").output)["to"] == again["kb_version"]
    assert kb("diff", folder, *at).output.endswith("Nothing differs.\n")

    found = json.loads(kb("search", "when do I get a duplicate payment back", *at, "--json").output)["passages"]
    assert found[0]["near"] is True
    assert found[0]["uri"].startswith("kb://tech/refund#")
    assert "would say that it does not know" in kb("search", "purple elephants", *at).output


def test_what_is_missing_is_told_in_a_sentence(tmp_path: Path) -> None:
    for arguments in (("search", "x"), ("diff",)):
        result = kb(*arguments, "--agent", "tech", "--index", tmp_path / "none.sqlite")
        assert result.exit_code == 1
        assert "switchboard kb ingest" in result.output
    assert "There is no folder" in kb("ingest", tmp_path / "none", "--agent", "t", "--index", tmp_path / "i").output


@pytest.fixture
def dialogues(tmp_path: Path) -> tuple[Path, Path]:
    documents = [
        {"doc_id": "tech/Router#1_0", "title": "Router#1_0", "text": ROUTER},
        {"doc_id": "billing/Refunds#1_0", "title": "Refunds#1_0", "text": REFUND},
    ]
    answer = "A duplicate payment is refunded within five working days."
    questions = [
        {
            "id": "a_1",
            "doc_id": "billing/Refunds#1_0",
            "question": "user:When is a duplicate payment refunded? \tagent:Hello. \tuser:I paid twice",
            "answers": {"text": [answer], "answer_start": [REFUND.index(answer)]},
        },
        {"doc_id": "tech/Router#1_0", "question": "user:Why does the router blink red?"},
    ]
    docs, qa = tmp_path / "docs.jsonl", tmp_path / "qa.jsonl"
    docs.write_text("\n".join(map(json.dumps, documents)))
    qa.write_text("\n".join(map(json.dumps, questions)) + "\n\n")
    return docs, qa


def evaluate(docs: Path, qa: Path) -> Result:
    return CliRunner().invoke(app, ["eval", "retrieval", "--docs", str(docs), "--qa", str(qa)])


def test_retrieval_is_measured_and_printed_as_json_alone(dialogues: tuple[Path, Path]) -> None:
    result = evaluate(*dialogues)
    assert result.exit_code == 0, result.output
    measured = json.loads(result.stdout)
    assert measured["recall_at_1"] == measured["recall_at_5"] == 1.0
    assert measured["questions"] == measured["documents"] == 2
    assert measured["cited_span_f1"] > 0
    assert 0 < measured["query_ms_p50"] <= measured["query_ms_p95"]


@pytest.mark.parametrize("line", ["{", '{"question": "user:x"}', '"x"'])
def test_a_wrong_line_is_told_with_its_file(dialogues: tuple[Path, Path], line: str) -> None:
    docs, qa = dialogues
    qa.write_text(line)
    result = evaluate(docs, qa)
    assert result.exit_code == 1
    assert "qa.jsonl" in result.output.replace("\n", "")

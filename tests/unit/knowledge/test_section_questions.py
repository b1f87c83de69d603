from pathlib import Path

import pytest

from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.articles.folder import read_folder
from switchboard.knowledge.base import KnowledgeBase
from switchboard.models import MiniLmEmbedder

ARTICLE = "---\nid: fines\ntitle: Fines\n---\n## What does a late book cost?\n\nTen pence a day.\n\n## Where do I pay?\n\nAt the desk.\n"
QUESTIONS = 'fines:\n  "Where do I pay?":\n    - "der Automat nimmt meine Münzen nicht, wohin damit"\n    - "wer nimmt mein Geld"\n'


def folder_with(tmp_path: Path, questions: str) -> Path:
    (tmp_path / "fines.md").write_text(ARTICLE)
    (tmp_path / "questions.yaml").write_text(questions)
    return tmp_path


def test_a_section_has_its_questions_and_another_version_with_others(tmp_path: Path):
    (article,) = read_folder(folder_with(tmp_path, QUESTIONS)).articles
    assert [len(chunk.questions) for chunk in article.chunks()] == [0, 2]
    (without,) = read_folder(folder_with(tmp_path, "")).articles
    assert without.version != article.version


@pytest.mark.parametrize(
    ("questions", "named"),
    [("rules: {}\n", "rules"), ('fines:\n  "Who pays?": ["x"]\n', "Who pays?"), ("fines: [1]\n", "fines")],
)
def test_what_is_not_there_is_named(tmp_path: Path, questions: str, named: str):
    with pytest.raises(BadConfiguration, match=named.replace("?", r"\?")):
        read_folder(folder_with(tmp_path, questions))


async def test_a_section_is_found_by_what_customers_ask(tmp_path: Path):
    folder = folder_with(tmp_path, QUESTIONS)
    base = KnowledgeBase.open("library", folder, tmp_path / "index.sqlite", MiniLmEmbedder())
    assert await base.embed() == 4
    found = await base.search("wer nimmt mein Geld?", tenant="any")
    assert found[0].text == "At the desk."
    assert found[0].score is not None and found[0].score > 0.6
    (folder / "questions.yaml").unlink()
    base.close()
    base = KnowledgeBase.open("library", folder, tmp_path / "index.sqlite", MiniLmEmbedder())
    assert await base.embed() == 0
    assert [each.text for each in await base.search("wer nimmt mein Geld?", tenant="any")] == []
    base.close()

"""Every format becomes Markdown with its structure; a bad file is listed and stops nothing."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.articles import folder as folders
from switchboard.knowledge.articles.article import Article, FrontMatter
from switchboard.knowledge.articles.chunking import CHUNK_CHARACTERS_MAX
from switchboard.knowledge.articles.folder import read_document, read_folder
from tests.unit.knowledge import files

BLOCKS = st.sampled_from(
    ["# One", "## Two", "Setext\n======", "- item\n- item two", "1. first\n\n2. second", "> quoted", "```\n# no\n```",
     "| a | b |\n| --- | --- |\n| 1 | 2 |", "<div>html</div>", "words. More words! " * 90, "x" * 2_000, "", "\tcode", "[a]: /b"]
)  # fmt: skip


@given(st.lists(BLOCKS | st.text(max_size=80), max_size=12), st.sampled_from(["\n\n", "\n", "\r\n", "\r"]))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_chunk_is_what_stands_at_its_offsets_and_chunks_never_overlap(blocks: list[str], between: str) -> None:
    text = between.join(blocks)
    chunks = Article(FrontMatter(id="a", title="A"), text).chunks()
    reached = 0
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end] == chunk.text.strip()
        assert 0 < len(chunk.text) <= CHUNK_CHARACTERS_MAX
        assert chunk.start >= reached
        reached = chunk.end


def test_a_long_list_is_cut_between_its_items() -> None:
    items = [f"- item {n} {'word ' * 30}".strip() for n in range(20)]
    chunks = Article(FrontMatter(id="a", title="A"), "# Title\n\n" + "\n".join(items)).chunks()
    assert len(chunks) > 1
    assert all(chunk.text.startswith("- item") and chunk.text.endswith("word") for chunk in chunks)
    assert "\n".join(chunk.text for chunk in chunks) == "\n".join(items)


def test_underlined_headings_are_headings_and_code_is_not() -> None:
    text = "Title\n=====\n\nFirst.\n\n~~~\n# no heading\n~~~\n\n> # none either\n\nPart\n----\n\nSecond.\n"
    headings = [chunk.heading for chunk in Article(FrontMatter(id="a", title="A"), text).chunks()]
    assert headings == ["Title", "Title › Part"]


def test_html_keeps_headings_lists_tables_and_code_of_its_main_part(tmp_path: Path) -> None:
    (tmp_path / "router page.html").write_text(files.PAGE)
    article = read_document(tmp_path / "router page.html")
    assert (article.id, article.front.title, article.front.language) == ("router-page", "Router", "de")
    assert article.text == (
        "# Router\n\nA red light means no signal.\n\n## What to do\n\n1. Switch it off\n2. Wait one minute\n\n".replace(
            "1. ", "- "
        ).replace("2. ", "- ")
        + "| Light | Meaning |\n| --- | --- |\n| green | all / well |\n\n```\nreset --now\n# really\n```\n"
    )
    assert [chunk.label for chunk in article.chunks()] == ["Router", "Router › What to do"]


def test_a_pdf_has_a_section_a_page(tmp_path: Path) -> None:
    files.pdf(tmp_path / "manual.pdf", ["A red light means no signal.", "", "# Call us."])
    article = read_document(tmp_path / "manual.pdf")
    assert (article.id, article.front.title, article.front.language) == ("manual", "manual", "en")
    assert [(chunk.heading, chunk.text) for chunk in article.chunks()] == [
        ("Page 1", "A red light means no signal."),
        ("Page 3", "\\# Call us."),
    ]


def test_a_docx_keeps_headings_lists_and_tables(tmp_path: Path) -> None:
    files.docx(tmp_path / "Refunds.docx")
    article = read_document(tmp_path / "Refunds.docx")
    assert (article.id, article.front.title, article.front.language) == ("refunds", "Refund rules", "en")
    assert article.text == (
        "# When is a payment refunded?\n\nWithin five working days.\n\n## How\n\n- Ask us\n- Wait\n\n"
        "| Fee | Price |\n| --- | --- |\n| Late | 5 |\n"
    )


def test_markdown_without_front_matter_is_named_by_its_file_and_heading(tmp_path: Path) -> None:
    (tmp_path / "Überblick 2.md").write_text("# The overview\n\nAll of it.\n")
    article = read_document(tmp_path / "Überblick 2.md")
    assert (article.id, article.front.title) == ("uberblick-2", "The overview")


def test_what_stands_beside_a_file_is_its_front_matter(tmp_path: Path) -> None:
    files.pdf(tmp_path / "manual.pdf", ["Text"])
    (tmp_path / "manual.pdf.yaml").write_text(
        "id: hub\ntitle: Hub manual\ntenants: [aurora]\nvalid_until: 2027-01-31\n"
    )
    front = read_document(tmp_path / "manual.pdf").front
    assert (front.id, front.title, front.tenants, str(front.valid_until)) == (
        "hub",
        "Hub manual",
        ["aurora"],
        "2027-01-31",
    )


def test_bad_files_are_listed_with_a_reason_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "FILE_BYTES_MAX", 50_000)
    (tmp_path / "good.md").write_text("# Good\n\nText.\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.markdown").write_text("# Another\n\nText.\n")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (tmp_path / "broken.docx").write_bytes(b"PK nothing")
    (tmp_path / "large.html").write_bytes(b"x" * 60_000)
    (tmp_path / "empty.html").write_text("<p> </p>")
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    (tmp_path / "wrong.md").write_text("---\nid: No\ntitle: x\n---\n")
    (tmp_path / "page.htm").write_text("<div>" * 50_000)
    (tmp_path / ".hidden.md").write_text("# Hidden")
    (tmp_path / "notes.txt").write_text("not looked at")
    files.pdf(tmp_path / "scan.pdf", [""])
    reading = read_folder(tmp_path)
    assert [article.id for article in reading.articles] == ["good"]
    reasons = {bad.path.name: bad.reason for bad in reading.bad}
    assert set(reasons) == {
        "good.md", "broken.pdf", "broken.docx", "large.html", "empty.html", "latin.md", "wrong.md", "page.htm", "scan.pdf"
    }  # fmt: skip
    assert "has the id 'good' of another one" in reasons["good.md"]
    assert "text recognition" in reasons["scan.pdf"]
    assert all(name in reason for name, reason in reasons.items())


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="There is no folder"):
        read_folder(tmp_path / "none")

"""Articles become chunks at their own offsets, and questions find them, or nothing."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.contracts.errors import BadConfiguration, NotFound, Unavailable
from switchboard.knowledge import KnowledgeBase
from switchboard.knowledge.articles.article import CHUNK_CHARACTERS_MAX, Article, FrontMatter, read_article
from switchboard.testing.scripted_model import embedding_of

ROUTER = """---
id: router
title: Router lights
tags: [router, off]
tenants: [aurora]
---

## What does a blinking red light mean?

A blinking red light means that the router has lost the signal.

```
# not a heading
```

### How do I fix it?

Switch the router off and on again.
"""
REFUND = """---
id: refund
title: Refunds
---

## When is a payment refunded?

A duplicate payment is refunded within five working days.
"""


class Embedder:
    """Words in common, counted; with a `down` switch and a count of texts."""

    def __init__(self, model_id: str = "one") -> None:
        self.model_id = model_id
        self.down = False
        self.texts = 0

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        if self.down:
            raise Unavailable
        self.texts += len(texts)
        return np.stack([np.frombuffer(embedding_of(text), dtype="<f4") for text in texts])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "router.md").write_text(ROUTER)
    (tmp_path / "kb" / "refund.md").write_text(REFUND)
    return tmp_path / "kb"


def opened(folder: Path, embedder: Embedder) -> KnowledgeBase:
    return KnowledgeBase.open("tech", folder, folder.parent / "data" / "tech.sqlite", embedder)


def test_chunks_follow_the_headings_and_keep_their_offsets(folder: Path) -> None:
    article = read_article(folder / "router.md")
    first, second = article.chunks()
    assert first.heading == "What does a blinking red light mean?"
    assert "# not a heading" in first.text
    assert second.heading == "What does a blinking red light mean? › How do I fix it?"
    assert article.text[second.start : second.end] == second.text == "Switch the router off and on again."
    assert article.front.tags == ["router", "off"]


@given(st.text(alphabet="ab. \n#`", max_size=6_000))
def test_whatever_the_text_chunks_are_bounded_and_are_what_stands_there(text: str) -> None:
    for chunk in Article(FrontMatter(id="a", title="A"), text).chunks():
        assert chunk.text == text[chunk.start : chunk.end]
        assert 0 < len(chunk.text) <= CHUNK_CHARACTERS_MAX


@pytest.mark.parametrize(
    "text", ["---\nid: a\n", "---\ntitle: x\n---\n", "---\nid: [\n---\n", "---\nid: A B\ntitle: x\n---\n"]
)
def test_an_article_that_is_wrong_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.md").write_text(text)
    with pytest.raises(BadConfiguration, match=r"bad\.md"):
        read_article(tmp_path / "bad.md")


@pytest.mark.parametrize("with_meaning", [True, False])
async def test_a_question_finds_its_passage_and_nonsense_finds_nothing(folder: Path, with_meaning: bool) -> None:
    base = opened(folder, Embedder())
    if with_meaning:
        await base.embed()
    found = await base.search("what does a blinking red light mean", tenant="aurora")
    assert found[0].title == "Router lights › What does a blinking red light mean?"
    assert await base.search("purple elephants dance on the moon", tenant="aurora") == []
    assert await base.search('"); DROP TABLE words; --', tenant="aurora") == []
    assert await base.search("?!", tenant="aurora") == []
    source = base.source(found[0].uri, tenant="aurora")
    assert source.text[source.start : source.end] == found[0].text


async def test_a_tenant_finds_only_its_own_articles(folder: Path) -> None:
    base = opened(folder, Embedder())
    await base.embed()
    assert await base.search("what does a blinking red light mean", tenant="borealis") == []
    assert (await base.search("duplicate payment refunded", tenant="borealis"))[0].title.startswith("Refunds")
    with pytest.raises(NotFound):
        base.source("kb://tech/router#0-5", tenant="borealis")


@pytest.mark.parametrize("uri", ["kb://tech/none#0-1", "kb://other/router#0-1", "kb://tech/router#0-99999", "nonsense"])
async def test_a_source_that_is_not_there_is_not_found(folder: Path, uri: str) -> None:
    with pytest.raises(NotFound):
        opened(folder, Embedder()).source(uri)


async def test_only_what_changed_is_embedded_again(folder: Path) -> None:
    assert await opened(folder, Embedder()).embed() == 3
    assert await opened(folder, Embedder()).embed() == 0
    (folder / "refund.md").write_text(REFUND.replace("five", "ten"))
    assert await opened(folder, Embedder()).embed() == 1
    assert await opened(folder, Embedder("two")).embed() == 3
    (folder / "router.md").unlink()
    base = opened(folder, Embedder("two"))
    assert await base.embed() == 0
    assert await base.search("what does a blinking red light mean", tenant="aurora") == []


async def test_without_an_embedder_the_search_goes_by_words(folder: Path) -> None:
    embedder = Embedder()
    base = opened(folder, embedder)
    await base.embed()
    embedder.down = True
    assert (await base.search("blinking red light", tenant="aurora"))[0].title.startswith("Router lights")


def test_the_test_embedding_has_length_one() -> None:
    vector = np.frombuffer(embedding_of("a blinking light"), dtype="<f4")
    assert math.isclose(float(np.linalg.norm(vector)), 1.0, rel_tol=1e-5)

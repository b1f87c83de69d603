"""What every knowledge index must do; the tests of each subclass this and give a fixture `index`."""

from datetime import date

import numpy as np

from switchboard.knowledge.articles.article import Article, FrontMatter
from switchboard.knowledge.indexes.port import ChunkVectors, Filter, KnowledgeIndex, Vectors
from switchboard.testing.scripted_model import embedding_of

MODEL = "words-in-common"
TECH = Filter("tech", "aurora")


def article(document_id: str, text: str, **front: object) -> Article:
    given = {"id": document_id, "title": document_id.replace("-", " ").capitalize(), **front}
    return Article(FrontMatter.model_validate(given), text)


ROUTER = article("router", "## Red light\n\nA red light means no signal.\n\n## Green light\n\nAll is well then.\n")
REFUND = article("refund", "A duplicate payment is refunded within five working days.\n")


def vector(text: str) -> Vectors:
    return np.frombuffer(embedding_of(text), dtype="<f4")


def embed(index: KnowledgeIndex, agent: str = "tech", model_id: str = MODEL) -> int:
    missing = index.unembedded(agent, model_id)
    index.add_vectors(ChunkVectors(model_id, {digest: vector(text) for digest, text in missing.items()}))
    return len(missing)


def words(index: KnowledgeIndex, text: str, scope: Filter = TECH) -> list[str]:
    """Texts found by words, best first."""
    keys = [hit.key for hit in index.by_words(text, scope, 10)]
    texts = {each.key: each.chunk.text for each in index.chunks(keys)}
    return [texts[key] for key in keys]


def meaning(index: KnowledgeIndex, text: str, scope: Filter = TECH, model_id: str = MODEL) -> list[str]:
    keys = [hit.key for hit in index.by_meaning(vector(text), model_id, scope, 10)]
    texts = {each.key: each.chunk.text for each in index.chunks(keys)}
    return [texts[key] for key in keys]


class KnowledgeIndexContract:
    def test_an_empty_index_finds_nothing(self, index: KnowledgeIndex) -> None:
        assert index.by_words("red light", TECH, 5) == []
        assert index.by_meaning(vector("red light"), MODEL, TECH, 5) == []
        assert index.versions("tech") == []
        assert index.document("tech", "router") is None
        assert index.titles("tech") == {}

    def test_a_chunk_is_found_by_its_words_and_by_its_meaning(self, index: KnowledgeIndex) -> None:
        index.sync("tech", [ROUTER, REFUND])
        assert embed(index) == 3
        assert words(index, "what does the red light mean")[0] == "A red light means no signal."
        assert meaning(index, "duplicate payment refunded")[0] == REFUND.text.strip()
        (hit,) = index.by_words("refunded", TECH, 5)
        (stored,) = index.chunks([hit.key], MODEL)
        assert stored.agent == "tech"
        assert stored.version == REFUND.version
        assert REFUND.text[stored.chunk.start : stored.chunk.end] == stored.chunk.text
        assert stored.vector is not None
        assert abs(float(np.linalg.norm(stored.vector)) - 1) < 1e-4

    def test_no_more_is_given_than_was_asked_for(self, index: KnowledgeIndex) -> None:
        index.sync("tech", [ROUTER])
        embed(index)
        assert len(index.by_words("light", TECH, 1)) == 1
        assert len(index.by_meaning(vector("light"), MODEL, TECH, 1)) == 1

    def test_the_filter_is_part_of_the_query(self, index: KnowledgeIndex) -> None:
        many = [article(f"loud-{n}", "light light light light", tenants=["borealis"]) for n in range(12)]
        german = article("licht", "light means Licht", language="de")
        old = article("old", "light of last year", valid_until="2025-12-31")
        new = article("new", "light of next year", valid_from="2027-01-01")
        index.sync("tech", [*many, german, old, new])
        index.sync("billing", [article("bill", "light of another agent")])
        embed(index)
        embed(index, "billing")
        for find in (words, meaning):
            assert set(find(index, "light", Filter("tech", "aurora"))) == {
                "light means Licht",
                "light of last year",
                "light of next year",
            }
            assert find(index, "light", Filter("tech", "aurora", "de")) == ["light means Licht"]
            on = Filter("tech", "aurora", "en", date(2026, 6, 1))
            assert find(index, "light", on) == []
            assert find(index, "light", Filter("tech", "aurora", "en", date(2025, 6, 1))) == ["light of last year"]
            assert find(index, "light", Filter("billing", "aurora")) == ["light of another agent"]
            assert "light of another agent" in find(index, "light another agent", Filter(tenant="aurora"))

    def test_a_sync_touches_only_what_changed(self, index: KnowledgeIndex) -> None:
        first = index.sync("tech", [ROUTER, REFUND])
        assert (first.added, first.changed, first.removed, first.unchanged) == (("refund", "router"), (), (), 0)
        embed(index)
        same = index.sync("tech", [ROUTER, REFUND])
        assert (same.version, same.unchanged) == (first.version, 2)
        later = article("refund", REFUND.text.replace("five", "ten"))
        second = index.sync("tech", [ROUTER, later])
        assert (second.added, second.changed, second.removed, second.unchanged) == ((), ("refund",), (), 1)
        assert second.version != first.version
        assert list(index.unembedded("tech", MODEL).values()) == [f"Refund\n{later.text.strip()}"]
        assert index.known(MODEL, [ROUTER.chunks()[0].digest, "nothing"]) == {ROUTER.chunks()[0].digest}

    def test_after_a_sync_only_the_new_version_is_found(self, index: KnowledgeIndex) -> None:
        index.sync("tech", [ROUTER, REFUND])
        embed(index)
        later = article("refund", REFUND.text.replace("five", "ten"))
        made = {chunk.digest: vector(chunk.text) for chunk in later.chunks()}
        index.sync("tech", [later], ChunkVectors(MODEL, made))
        assert index.unembedded("tech", MODEL) == {}
        for find in (words, meaning):
            assert find(index, "duplicate payment") == [later.text.strip()]
        assert words(index, "red light") == []
        assert index.titles("tech") == {"refund": "Refund"}
        assert index.sync("tech", []).removed == ("refund",)
        assert words(index, "duplicate payment") == []

    def test_a_revision_can_be_read_after_it_was_replaced_or_removed(self, index: KnowledgeIndex) -> None:
        index.sync("tech", [REFUND])
        later = article("refund", REFUND.text.replace("five", "ten"), tenants=["aurora"])
        index.sync("tech", [later])
        old, live = index.document("tech", "refund", REFUND.version), index.document("tech", "refund")
        assert old is not None and live is not None
        assert (old.text, old.tenants) == (REFUND.text, ())
        assert (live.text, live.version, live.tenants) == (later.text, later.version, ("aurora",))
        index.sync("tech", [])
        assert index.document("tech", "refund") is None
        assert index.document("tech", "refund", REFUND.version) is not None
        assert index.document("billing", "refund", REFUND.version) is None

    def test_versions_tell_what_was_live_newest_first(self, index: KnowledgeIndex) -> None:
        first, second = index.sync("tech", [REFUND]), index.sync("tech", [REFUND, ROUTER])
        index.sync("tech", [REFUND, ROUTER])
        newest, before = index.versions("tech")
        assert (newest.name, newest.live, before.name, before.live) == (second.version, True, first.version, False)
        assert before.documents == {"refund": REFUND.version}

    def test_a_document_that_comes_back_is_found_again(self, index: KnowledgeIndex) -> None:
        for articles in ([REFUND], [], [REFUND]):
            index.sync("tech", articles)
        embed(index)
        assert words(index, "refunded") == meaning(index, "refunded") == [REFUND.text.strip()]

    def test_vectors_of_two_models_are_never_mixed(self, index: KnowledgeIndex) -> None:
        index.sync("tech", [REFUND])
        embed(index)
        assert meaning(index, "refunded", model_id="another") == []
        assert embed(index, model_id="another") == 1
        assert meaning(index, "refunded", model_id="another") == [REFUND.text.strip()]
        assert meaning(index, "refunded") == []

    def test_words_of_a_query_language_are_only_words(self, index: KnowledgeIndex) -> None:
        index.sync("tech", [REFUND])
        for text in ('"); DROP TABLE words; --', "' OR true --", "refunded' OR '", "AND OR NOT NEAR(", "", "?!"):
            assert words(index, text) in ([], [REFUND.text.strip()])

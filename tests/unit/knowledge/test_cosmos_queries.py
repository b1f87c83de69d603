"""The shapes of the queries that only Azure can run: vector and full-text search, and the container's policies."""

from datetime import date

from switchboard.knowledge.indexes import cosmos_queries
from switchboard.knowledge.indexes.port import Filter

SCOPE = Filter("tech", "aurora", "en", date(2026, 11, 21))
CONDITION = (
    "c.kind = 'chunk' AND ((c.agent = @agent0 AND c.since <= @sync0 AND c.until > @sync0))"
    " AND (ARRAY_LENGTH(c.tenants) = 0 OR ARRAY_CONTAINS(c.tenants, @tenant))"
    " AND c.language = @language AND c.validFrom <= @on AND c.validUntil >= @on"
)
VALUES = {
    "@agent0": "tech",
    "@sync0": 3,
    "@tenant": "aurora",
    "@language": "en",
    "@on": "2026-11-21",
}


def values(query: cosmos_queries.CosmosQuery) -> dict[str, object]:
    return {each["name"]: each["value"] for each in query.parameters}


def test_a_search_by_words_ranks_by_full_text_score_within_the_filter() -> None:
    query = cosmos_queries.by_words(["red", "light"], SCOPE, {"tech": 3}, 30)
    assert query.text == (
        f"SELECT TOP 30 c.id FROM c WHERE {CONDITION} ORDER BY RANK FullTextScore(c.words, 'red', 'light')"
    )
    assert values(query) == VALUES


def test_a_search_by_meaning_orders_by_vector_distance_within_the_filter() -> None:
    query = cosmos_queries.by_meaning([0.6, 0.8], "minilm", SCOPE, {"tech": 3}, 30)
    assert query.text == (
        f"SELECT TOP 30 c.id, VectorDistance(c.vector, @vector) AS score FROM c WHERE {CONDITION}"
        " AND c.modelId = @model ORDER BY VectorDistance(c.vector, @vector)"
    )
    assert values(query) == {**VALUES, "@vector": [0.6, 0.8], "@model": "minilm"}


def test_each_agent_is_searched_as_of_its_own_sync() -> None:
    text, parameters = cosmos_queries.condition(Filter(), {"tech": 3, "billing": 8})
    assert text == (
        "c.kind = 'chunk' AND ((c.agent = @agent0 AND c.since <= @sync0 AND c.until > @sync0)"
        " OR (c.agent = @agent1 AND c.since <= @sync1 AND c.until > @sync1))"
    )
    assert [each["value"] for each in parameters] == ["billing", 8, "tech", 3]
    assert cosmos_queries.condition(Filter(), {})[0] == "c.kind = 'chunk' AND false"


def test_a_query_of_one_agent_names_its_partition() -> None:
    query = cosmos_queries.in_partition(
        cosmos_queries.CosmosQuery("SELECT * FROM c WHERE c.kind = 'version'", []), "tech"
    )
    assert query.text == "SELECT * FROM c WHERE c.agent = @agent AND c.kind = 'version'"
    assert values(query) == {"@agent": "tech"}


def test_the_container_indexes_what_the_queries_rank_by() -> None:
    (embedding,) = cosmos_queries.VECTOR_POLICY["vectorEmbeddings"]
    assert (embedding["path"], embedding["dimensions"], embedding["distanceFunction"]) == ("/vector", 384, "cosine")
    policy = cosmos_queries.INDEXING_POLICY
    assert [each["path"] for each in policy["vectorIndexes"]] == ["/vector"]
    assert [each["path"] for each in policy["fullTextIndexes"]] == ["/words"]
    assert {"path": "/vector/*"} in policy["excludedPaths"], "a vector in the ordinary index makes every write dear"
    assert [each["path"] for each in cosmos_queries.FULL_TEXT_POLICY["fullTextPaths"]] == ["/words"]

"""The queries of the Cosmos DB index, as text and parameters; nothing here talks to a server.

Vector and full-text search as in Azure Cosmos DB for NoSQL: `VectorDistance` and `FullTextScore` under
`ORDER BY RANK`. A chunk is live from the sync `since` until the sync `until`; a query names the sync that it sees.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from switchboard.knowledge.indexes.port import Filter

FOREVER = 2**53 - 1
ALWAYS_FROM, ALWAYS_UNTIL = "0000-01-01", "9999-12-31"


class CosmosQuery(NamedTuple):
    text: str
    parameters: list[dict[str, Any]]


def by_words(words: Sequence[str], scope: Filter, seen: Mapping[str, int], limit: int) -> CosmosQuery:
    """`words` are letters and digits only (`content_terms`), so they can stand in the text: `FullTextScore` takes no
    parameters."""
    where, parameters = condition(scope, seen)
    quoted = ", ".join(f"'{word}'" for word in words)
    text = f"SELECT TOP {int(limit)} c.id FROM c WHERE {where} ORDER BY RANK FullTextScore(c.words, {quoted})"
    return CosmosQuery(text, parameters)


def by_meaning(
    vector: Sequence[float], model_id: str, scope: Filter, seen: Mapping[str, int], limit: int
) -> CosmosQuery:
    where, parameters = condition(scope, seen)
    text = (
        f"SELECT TOP {int(limit)} c.id, VectorDistance(c.vector, @vector) AS score FROM c "
        f"WHERE {where} AND c.modelId = @model ORDER BY VectorDistance(c.vector, @vector)"
    )
    named = [{"name": "@vector", "value": list(vector)}, {"name": "@model", "value": model_id}]
    return CosmosQuery(text, parameters + named)


def in_partition(query: CosmosQuery, agent: str) -> CosmosQuery:
    """The query with its partition key in its condition, too: not every server takes it from the request."""
    text = query.text.replace(" WHERE ", " WHERE c.agent = @agent AND ", 1)
    return CosmosQuery(text, [*query.parameters, {"name": "@agent", "value": agent}])


def condition(scope: Filter, seen: Mapping[str, int]) -> tuple[str, list[dict[str, Any]]]:
    """Chunks in `scope`, each agent's as of the sync that `seen` names."""
    values: dict[str, Any] = {}
    agents: list[str] = []
    for number, (agent, sync) in enumerate(sorted(seen.items())):
        values |= {f"@agent{number}": agent, f"@sync{number}": sync}
        agents.append(f"(c.agent = @agent{number} AND c.since <= @sync{number} AND c.until > @sync{number})")
    parts = ["c.kind = 'chunk'", f"({' OR '.join(agents)})" if agents else "false"]
    if scope.tenant is not None:
        parts.append("(ARRAY_LENGTH(c.tenants) = 0 OR ARRAY_CONTAINS(c.tenants, @tenant))")
        values["@tenant"] = scope.tenant
    if scope.language is not None:
        parts.append("c.language = @language")
        values["@language"] = scope.language
    if scope.on is not None:
        parts.append("c.validFrom <= @on AND c.validUntil >= @on")
        values["@on"] = scope.on.isoformat()
    return " AND ".join(parts), [{"name": name, "value": value} for name, value in values.items()]


VECTOR_POLICY: dict[str, Any] = {
    "vectorEmbeddings": [{"path": "/vector", "dataType": "float32", "distanceFunction": "cosine", "dimensions": 384}]
}
FULL_TEXT_POLICY: dict[str, Any] = {
    "defaultLanguage": "en-US",
    "fullTextPaths": [{"path": "/words", "language": "en-US"}],
}
INDEXING_POLICY: dict[str, Any] = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": "/vector/*"}, {"path": "/text/?"}, {"path": "/words/?"}, {"path": '/"_etag"/?'}],
    "vectorIndexes": [{"path": "/vector", "type": "quantizedFlat"}],
    "fullTextIndexes": [{"path": "/words"}],
}
"""What a container must be created with: none of it can be added later."""

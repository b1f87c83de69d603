"""A Cosmos container of the npm server, which knows neither `FullTextScore` nor `VectorDistance`.

The condition of such a query runs on the server as it stands; only the ranking of what it gives is done here, so a
filter that is wrong finds the wrong chunks. Every other query goes through untouched.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from switchboard.text.stems import stem
from switchboard.text.words import content_terms

WORDS = re.compile(r"^SELECT TOP (\d+) c\.id FROM c WHERE (.+) ORDER BY RANK FullTextScore\(c\.words, (.+)\)$")
MEANING = re.compile(
    r"^SELECT TOP (\d+) c\.id, VectorDistance\(c\.vector, @vector\) AS score FROM c WHERE (.+) "
    r"ORDER BY VectorDistance\(c\.vector, @vector\)$"
)


class RankingContainer:
    """Everything else is the container's own."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self.queries: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def query_items(self, query: str, parameters: list[dict[str, Any]], **scope: Any) -> Iterable[dict[str, Any]]:
        self.queries.append(query)
        if match := WORDS.match(query):
            asked = {stem(word.strip("'")) for word in match[3].split(", ")}

            def score(item: dict[str, Any]) -> float:
                return len(asked & {stem(word) for word in content_terms(item["words"])})

            found = self._container.query_items(
                f"SELECT c.id, c.words FROM c WHERE {match[2]}", parameters=parameters, **scope
            )
            scored = [{"id": each["id"], "score": score(each)} for each in found]
            return _best([each for each in scored if each["score"]], int(match[1]))
        if match := MEANING.match(query):
            vector = next(each["value"] for each in parameters if each["name"] == "@vector")
            rest = [each for each in parameters if each["name"] != "@vector"]
            found = self._container.query_items(
                f"SELECT c.id, c.vector FROM c WHERE {match[2]}", parameters=rest, **scope
            )
            scored = [{"id": each["id"], "score": float(np.dot(each["vector"], vector))} for each in found]
            return _best(scored, int(match[1]))
        return self._container.query_items(query, parameters=parameters, **scope)


def _best(items: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    return sorted(items, key=lambda each: -each["score"])[:limit]

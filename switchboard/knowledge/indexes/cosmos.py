"""The index in Azure Cosmos DB: one container for all agents, partitioned by agent.

Cosmos DB has no transaction over many items, so a sync is made visible by one write: chunks carry the numbers of the
syncs from which and until which they are live, and the item `head` names the sync that searches see.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError

from switchboard.contracts.errors import Unavailable
from switchboard.knowledge.articles.article import Article, Chunk, embedded_text
from switchboard.knowledge.articles.versions import kb_version
from switchboard.knowledge.indexes import cosmos_queries
from switchboard.knowledge.indexes.cosmos_queries import ALWAYS_FROM, ALWAYS_UNTIL, FOREVER, CosmosQuery
from switchboard.knowledge.indexes.port import (
    REVISIONS_MAX,
    VERSIONS_MAX,
    ChunkVectors,
    Filter,
    Hit,
    StoredChunk,
    StoredDocument,
    SyncChanges,
    Vectors,
    Version,
)
from switchboard.text.words import content_terms

QUERY_WORDS_MAX = 30
"""Cosmos DB takes so many words in one FullTextScore."""
LEASE_S = 600
"""A sync that died frees its agent after this."""

Item = dict[str, Any]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def opened(endpoint: str, database: str) -> "CosmosIndex":
    """The index of an account that this process's identity may use. Raises `Unavailable`."""
    from azure.identity import DefaultAzureCredential

    try:
        return CosmosIndex(container_of(CosmosClient(endpoint, DefaultAzureCredential()), database))
    except (CosmosHttpResponseError, AzureError) as error:
        raise Unavailable("The knowledge store does not answer at the moment.") from error


def container_of(client: CosmosClient, database: str, container: str = "knowledge") -> ContainerProxy:
    """The container, created with its vector and full-text policies where it is not there."""
    return client.create_database_if_not_exists(database).create_container_if_not_exists(
        id=container,
        partition_key=PartitionKey("/agent"),
        indexing_policy=cosmos_queries.INDEXING_POLICY,
        vector_embedding_policy=cosmos_queries.VECTOR_POLICY,
        full_text_policy=cosmos_queries.FULL_TEXT_POLICY,
        default_ttl=-1,
    )


def _answering(method: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The service's errors in our words."""

    @wraps(method)
    def answered(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except (CosmosHttpResponseError, AzureError) as error:
            raise Unavailable("The knowledge store does not answer at the moment.") from error

    return answered


class CosmosIndex:
    """Implements `KnowledgeIndex` over a container made by `container_of`. The container's client is not closed."""

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    def close(self) -> None:
        pass

    @_answering
    def sync(self, agent: str, articles: Sequence[Article], embedded: ChunkVectors | None = None) -> SyncChanges:
        """Also raises `Unavailable` while another process syncs the same agent."""
        lease = {"id": "lease", "agent": agent, "kind": "lease", "ttl": LEASE_S}
        try:
            self._container.create_item(lease)
        except CosmosResourceExistsError as error:
            raise Unavailable(f"The knowledge of {agent} is being ingested by another process.") from error
        try:
            return self._sync(agent, articles, embedded)
        finally:
            self._container.delete_item("lease", partition_key=agent)

    def _sync(self, agent: str, articles: Sequence[Article], embedded: ChunkVectors | None) -> SyncChanges:
        head = self._head(agent)
        known: dict[str, str] = head["documents"]
        number: int = head["sync"] + 1
        self._clear(agent, head["sync"])
        wanted = {article.id: article for article in articles}
        versions = {article.id: article.version for article in articles}
        removed = sorted(known.keys() - wanted.keys())
        added = sorted(wanted.keys() - known.keys())
        changed = sorted(each for each in wanted.keys() & known.keys() if known[each] != versions[each])
        name = kb_version(versions)
        same = len(wanted) - len(added) - len(changed)
        changes = SyncChanges(name, tuple(added), tuple(changed), tuple(removed), same)
        if not (removed or added or changed) and known:
            return changes
        for document_id in (*added, *changed):
            self._write(agent, wanted[document_id], number, embedded)
        for document_id in (*removed, *changed):
            for chunk in self._chunks(agent, "c.document = @document AND c.until = @until", document_id, FOREVER):
                if chunk["since"] < number:
                    self._container.upsert_item({**chunk, "until": number})
        at = datetime.now(UTC).isoformat(timespec="seconds")
        state = {"agent": agent, "sync": number, "name": name, "at": at, "documents": versions}
        self._container.upsert_item({**state, "id": f"version|{number:09d}", "kind": "version"})
        self._container.upsert_item({**state, "id": "head", "kind": "head"})  # from here on searches see it
        self._forget(agent, number, (*removed, *changed))
        return changes

    @_answering
    def unembedded(self, agent: str, model_id: str) -> dict[str, str]:
        where, parameters = cosmos_queries.condition(Filter(agent), self._seen(Filter(agent)))
        query = CosmosQuery(
            f"SELECT c.digest, c.title, c.heading, c.text FROM c WHERE {where} AND c.modelId != @model",
            [*parameters, {"name": "@model", "value": model_id}],
        )
        return {
            each["digest"]: embedded_text(each["title"], each["heading"], each["text"])
            for each in self._query(query, agent)
        }

    @_answering
    def known(self, model_id: str, digests: Sequence[str]) -> set[str]:
        return {each["digest"] for each in self._by_digest(digests, model_id)}

    @_answering
    def add_vectors(self, embedded: ChunkVectors) -> None:
        for item in self._by_digest(list(embedded.vectors)):
            vector = embedded.vectors[item["digest"]]
            self._container.upsert_item({**item, "modelId": embedded.model_id, "vector": vector.tolist()})

    @_answering
    def by_words(self, text: str, scope: Filter, limit: int) -> list[Hit]:
        """The scores are of the ranks: Cosmos DB does not tell a FullTextScore."""
        words = content_terms(text)[:QUERY_WORDS_MAX]
        if not words:
            return []
        found = self._query(cosmos_queries.by_words(words, scope, self._seen(scope), limit), scope.agent)
        return [Hit(_key(each), 1.0 / rank) for rank, each in enumerate(found, 1)]

    @_answering
    def by_meaning(self, vector: Vectors, model_id: str, scope: Filter, limit: int) -> list[Hit]:
        query = cosmos_queries.by_meaning(vector.tolist(), model_id, scope, self._seen(scope), limit)
        return [Hit(_key(each), float(each["score"])) for each in self._query(query, scope.agent)]

    @_answering
    def chunks(self, keys: Sequence[str], model_id: str | None = None) -> list[StoredChunk]:
        query = CosmosQuery(
            "SELECT * FROM c WHERE c.kind = 'chunk' AND ARRAY_CONTAINS(@ids, c.id)",
            [{"name": "@ids", "value": list(keys)}],
        )
        return [_stored(each, model_id) for each in self._query(query, None)]

    @_answering
    def document(self, agent: str, document_id: str, version: str | None = None) -> StoredDocument | None:
        named = version or self._head(agent)["documents"].get(document_id)
        if named is None:
            return None
        item = self._read(agent, f"document|{document_id}|{named}")
        if item is None:
            return None
        return StoredDocument(agent, document_id, named, item["title"], item["text"], tuple(item["tenants"]))

    @_answering
    def titles(self, agent: str) -> dict[str, str]:
        live: dict[str, str] = self._head(agent)["documents"]
        query = CosmosQuery("SELECT c.document, c.version, c.title FROM c WHERE c.kind = 'document'", [])
        found = {(each["document"], each["version"]): each["title"] for each in self._query(query, agent)}
        return {document: found[document, version] for document, version in sorted(live.items())}

    @_answering
    def versions(self, agent: str) -> list[Version]:
        query = CosmosQuery("SELECT * FROM c WHERE c.kind = 'version'", [])
        live = self._head(agent)["sync"]
        found = sorted(self._query(query, agent), key=lambda each: -each["sync"])
        found = [each for each in found if each["sync"] <= live][:VERSIONS_MAX]
        return [Version(each["name"], each["at"], each["sync"] == live, each["documents"]) for each in found]

    def _write(self, agent: str, article: Article, number: int, embedded: ChunkVectors | None) -> None:
        front, version = article.front, article.version
        common = {"agent": agent, "document": article.id, "version": version, "title": front.title}
        tenants = list(front.tenants)
        revision = {**common, "kind": "document", "text": article.text, "tenants": tenants, "sync": number}
        self._container.upsert_item({**revision, "id": f"document|{article.id}|{version}"})
        chunks = article.chunks()
        model_id = embedded.model_id if embedded else ""
        vectors = dict(embedded.vectors) if embedded else {}
        for item in self._by_digest([each.digest for each in chunks if each.digest not in vectors]):
            if item["modelId"] and item["modelId"] == (model_id or item["modelId"]):
                model_id = item["modelId"]
                vectors[item["digest"]] = np.array(item["vector"], dtype=np.float32)
        for place, chunk in enumerate(chunks):
            vector = vectors.get(chunk.digest)
            item = {
                **common,
                "id": f"{agent}|{article.id}|{version}|{number}|{place}",
                "kind": "chunk",
                "heading": chunk.heading,
                "start": chunk.start,
                "end": chunk.end,
                "text": chunk.text,
                "words": "\n".join((chunk.title, chunk.heading, " ".join(front.tags), chunk.text)),
                "digest": chunk.digest,
                "tenants": tenants,
                "language": front.language,
                "validFrom": front.valid_from.isoformat() if front.valid_from else ALWAYS_FROM,
                "validUntil": front.valid_until.isoformat() if front.valid_until else ALWAYS_UNTIL,
                "since": number,
                "until": FOREVER,
                "modelId": model_id if vector is not None else "",
            }
            self._container.upsert_item({**item, "vector": vector.tolist()} if vector is not None else item)

    def _clear(self, agent: str, live: int) -> None:
        """Takes back what a sync that died has left."""
        for chunk in self._chunks(agent, "c.since > @first OR (c.until > @first AND c.until < @second)", live, FOREVER):
            if chunk["since"] > live:
                self._container.delete_item(chunk["id"], partition_key=agent)
            else:
                self._container.upsert_item({**chunk, "until": FOREVER})

    def _forget(self, agent: str, live: int, documents: Iterable[str]) -> None:
        """Deletes chunks that no search sees any more, and revisions and versions beyond their bounds."""
        for chunk in self._chunks(agent, "c.until <= @first", live, None):
            self._container.delete_item(chunk["id"], partition_key=agent)
        for document_id in documents:
            query = CosmosQuery(
                "SELECT c.id, c.sync FROM c WHERE c.kind = 'document' AND c.document = @document",
                [{"name": "@document", "value": document_id}],
            )
            revisions = sorted(self._query(query, agent), key=lambda each: -each["sync"])
            for old in revisions[REVISIONS_MAX + 1 :]:
                self._container.delete_item(old["id"], partition_key=agent)
        if live > VERSIONS_MAX and self._read(agent, f"version|{live - VERSIONS_MAX:09d}") is not None:
            self._container.delete_item(f"version|{live - VERSIONS_MAX:09d}", partition_key=agent)

    def _chunks(self, agent: str, where: str, first: Any, second: Any) -> list[Item]:
        names = ("@document", "@until") if "@document" in where else ("@first", "@second")
        values = [{"name": name, "value": value} for name, value in zip(names, (first, second), strict=True)]
        parameters = [each for each in values if each["name"] in where]
        query = CosmosQuery(f"SELECT * FROM c WHERE c.kind = 'chunk' AND ({where})", parameters)
        return self._query(query, agent)

    def _by_digest(self, digests: Sequence[str], model_id: str | None = None) -> list[Item]:
        if not digests:
            return []
        model = " AND c.modelId = @model" if model_id is not None else ""
        parameters: list[Item] = [{"name": "@digests", "value": list(digests)}]
        if model_id is not None:
            parameters.append({"name": "@model", "value": model_id})
        text = f"SELECT * FROM c WHERE c.kind = 'chunk' AND ARRAY_CONTAINS(@digests, c.digest){model}"
        return self._query(CosmosQuery(text, parameters), None)

    def _seen(self, scope: Filter) -> Mapping[str, int]:
        """The live sync of each agent in scope."""
        if scope.agent is not None:
            return {scope.agent: self._head(scope.agent)["sync"]}
        heads = self._query(CosmosQuery("SELECT c.agent, c.sync FROM c WHERE c.kind = 'head'", []), None)
        return {each["agent"]: each["sync"] for each in heads}

    def _head(self, agent: str) -> Item:
        return self._read(agent, "head") or {"sync": 0, "documents": {}}

    def _read(self, agent: str, item_id: str) -> Item | None:
        try:
            return cast(Item, self._container.read_item(item_id, partition_key=agent))
        except CosmosResourceNotFoundError:
            return None

    def _query(self, query: CosmosQuery, agent: str | None) -> list[Item]:
        if agent is None:
            found: Any = self._container.query_items(
                query.text, parameters=query.parameters, enable_cross_partition_query=True
            )
        else:
            text, parameters = cosmos_queries.in_partition(query, agent)
            found = self._container.query_items(text, parameters=parameters, partition_key=agent)
        return list(found)


def _key(item: Item) -> str:
    return str(item["id"])


def _stored(item: Item, model_id: str | None) -> StoredChunk:
    chunk = Chunk(item["document"], item["title"], item["heading"], item["start"], item["end"], item["text"])
    has = model_id is not None and item["modelId"] == model_id
    vector = np.array(item["vector"], dtype=np.float32) if has else None
    return StoredChunk(_key(item), item["agent"], item["version"], chunk, item["digest"], vector)

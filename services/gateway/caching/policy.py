"""The part `cache` of `gateway.yaml`. Without it nothing is cached."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from switchboard.caching.entries.port import Bounds
from switchboard.caching.semantic.decision import Thresholds

Threshold = Annotated[float, Field(ge=0.5, le=1.0)]
Entries = Annotated[int, Field(ge=1, le=1_000_000)]
Megabytes = Annotated[float, Field(gt=0, le=16_384)]
Lifetime = Annotated[float, Field(gt=0, le=30 * 86_400)]
ProductName = Annotated[str, StringConstraints(min_length=2, max_length=80)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Store(_Part):
    enabled: bool = True
    ttl_s: Lifetime = 3_600.0
    entries_max: Entries = 10_000
    megabytes_max: Megabytes = 64.0

    @property
    def bounds(self) -> Bounds:
        """Of each partition."""
        return Bounds(self.entries_max, int(self.megabytes_max * 1024 * 1024), self.ttl_s)


class ExactRule(_Store):
    """Answers to the very same request. A partition is a tenant."""


class EmbeddingsRule(_Store):
    """Vectors of texts. A partition is a tenant, an alias and the request's other fields."""

    ttl_s: Lifetime = 7 * 86_400.0


class PartitionThreshold(_Part):
    """The threshold of some partitions; the first that fits counts."""

    tenant: str | None = None
    alias: str | None = None
    threshold: Threshold


class SemanticRule(_Store):
    """Answers to questions that ask the same."""

    ttl_s: Lifetime = 86_400.0
    entries_max: Entries = 5_000
    threshold: Threshold = Thresholds().score
    partitions: Annotated[tuple[PartitionThreshold, ...], Field(max_length=1_000)] = ()
    product_names: Annotated[tuple[ProductName, ...], Field(max_length=1_000)] = ()
    """Names that must agree, in any case: products, plans, devices."""

    def thresholds(self, tenant: str, alias: str) -> Thresholds:
        for rule in self.partitions:
            if rule.tenant in (None, tenant) and rule.alias in (None, alias):
                return Thresholds(score=rule.threshold)
        return Thresholds(score=self.threshold)


class CacheRule(_Part):
    """All of it."""

    exact: ExactRule = ExactRule()
    semantic: SemanticRule = SemanticRule()
    embeddings: EmbeddingsRule = EmbeddingsRule()

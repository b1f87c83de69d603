"""The sidecar of tests: every port of the room inside one process, with the same semantics as daprd on Redis."""

from switchboard.sidecar.inmemory.blobs import InMemoryBlobs
from switchboard.sidecar.inmemory.sidecar import InMemorySidecar
from switchboard.sidecar.inmemory.state import InMemoryStateStore

__all__ = ["InMemoryBlobs", "InMemorySidecar", "InMemoryStateStore"]

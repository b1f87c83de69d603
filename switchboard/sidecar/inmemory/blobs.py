"""Blobs in a dictionary."""

from switchboard.contracts.errors import TooLarge, Unavailable
from switchboard.sidecar.ports import BLOB_BYTES_MAX


class InMemoryBlobs:
    """`Blobs`. `down` makes it unavailable."""

    def __init__(self) -> None:
        self.down = False
        self.data: dict[str, bytes] = {}

    async def put(self, name: str, data: bytes) -> None:
        """Keeps `data`. Raises `TooLarge` above 3 MiB."""
        self._check()
        if len(data) > BLOB_BYTES_MAX:
            raise TooLarge("This is more than one blob can keep.")
        self.data[name] = data

    async def get(self, name: str) -> bytes | None:
        """None where there is no such blob."""
        self._check()
        return self.data.get(name)

    async def delete(self, name: str) -> None:
        """A blob that is not there is no error."""
        self._check()
        self.data.pop(name, None)

    def _check(self) -> None:
        if self.down:
            raise Unavailable()

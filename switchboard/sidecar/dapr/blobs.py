"""Blobs through a binding of the sidecar: files here (`bindings.localstorage`), Azure Blob Storage there.

Both take base64 and store its bytes; the local one always, the other with `decodeBase64: "true"` in its component.
Each names the blob by a metadata field of its own, so both fields are sent. A blob that is not there is an error to
both, told apart by its words only.
"""

import base64

from dapr.proto import api_v1

from switchboard.contracts.errors import TooLarge, Unavailable
from switchboard.sidecar.dapr.channel import DaprChannel
from switchboard.sidecar.ports import BLOB_BYTES_MAX

CALL_TIMEOUT_S = 15.0
_MISSING = ("not found", "blobnotfound", "no such file", "does not exist")


class DaprBlobs:
    """`Blobs` on the binding `name`; raises `Unavailable` for everything that goes wrong."""

    def __init__(self, channel: DaprChannel, name: str) -> None:
        self._channel = channel
        self._name = name

    async def put(self, name: str, data: bytes) -> None:
        """One binding call, `create`. Raises `TooLarge` above 3 MiB."""
        if len(data) > BLOB_BYTES_MAX:
            raise TooLarge("This is more than one blob can keep.")
        await self._invoke("create", name, base64.b64encode(data))

    async def get(self, name: str) -> bytes | None:
        """One binding call; None where the component's error says that there is no such blob."""
        try:
            return await self._invoke("get", name)
        except _Missing:
            return None

    async def delete(self, name: str) -> None:
        """One binding call; a blob that is not there is no error."""
        try:
            await self._invoke("delete", name)
        except _Missing:
            return

    async def _invoke(self, operation: str, name: str, data: bytes = b"") -> bytes:
        request = api_v1.InvokeBindingRequest(
            name=self._name, operation=operation, data=data, metadata={"fileName": name, "blobName": name}
        )
        try:
            answer = await self._channel.call(
                f"{operation} a blob", self._channel.stub.InvokeBinding, request, CALL_TIMEOUT_S, quiet=_MISSING
            )
        except Unavailable as error:
            if any(word in str(error.__cause__).lower() for word in _MISSING):
                raise _Missing from None
            raise
        return answer.data


class _Missing(Exception):
    """There is no blob of that name."""

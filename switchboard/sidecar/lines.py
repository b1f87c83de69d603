"""Lines out of a stream of bytes, as they arrive."""

from collections.abc import AsyncIterator

from switchboard.contracts.errors import Unavailable

LINE_BYTES_MAX = 1024 * 1024


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """UTF-8 lines without their ends (LF or CRLF). Raises `Unavailable` for a line above 1 MiB."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            raise Unavailable()
        for line in whole:
            yield line.rstrip(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.rstrip(b"\r").decode("utf-8", "replace")

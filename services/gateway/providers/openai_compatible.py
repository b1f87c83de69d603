"""OpenAI and every server that speaks its protocol: bodies pass through, only the model's name is rewritten."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anyio
import orjson

from services.gateway.providers.port import Answer, Call, Chunk, spent_of
from switchboard.contracts.errors import (
    BadConfiguration,
    DeadlineExceeded,
    LimitExceeded,
    SwitchboardError,
    TooLarge,
    Unavailable,
    Unprocessable,
)

BASE_URL = "https://api.openai.com/v1"
CONNECTIONS_MAX = 200
ANSWER_BYTES_MAX = 16 * 1024 * 1024
LINE_BYTES_MAX = 1024 * 1024
END_S_MAX = 1.0
RETRY_AFTER_S_MAX = 3_600


class OpenAiCompatible:
    """A provider behind a base URL."""

    def __init__(
        self, *, base_url: str | None, api_key: str | None, connect_s: float, first_token_s: float, total_s: float
    ) -> None:
        """Times in seconds: to connect, to the first byte of a stream, of the whole call."""
        self._base_url = (base_url or BASE_URL).rstrip("/")
        self._api_key = api_key
        self._first_token_s = first_token_s
        self._total_s = total_s
        self._connect_s = connect_s
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        return "openai"

    async def open(self) -> None:
        """Opens the pool; connections are made as they are needed."""
        # No client span here: `chat <model>` is one already, and its trace ends where our processes end.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=self._total_s, sock_connect=self._connect_s),
            read_bufsize=LINE_BYTES_MAX,
            trust_env=True,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def chat(self, call: Call) -> Answer:
        return await self._whole("chat/completions", call)

    async def embed(self, call: Call) -> Answer:
        return await self._whole("embeddings", call)

    async def stream(self, call: Call) -> AsyncIterator[Chunk]:
        options = call.body.get("stream_options")
        body = {**call.body, "stream_options": {**(options or {}), "include_usage": True}}
        deadline = anyio.current_time() + self._total_s
        response = await self._send("chat/completions", Call(call.model, body), within_s=self._first_token_s)
        return self._chunks(response, deadline)

    def _url(self, path: str, model: str) -> str:
        del model
        return f"{self._base_url}/{path}"

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self._api_key:
            headers["authorization"] = f"Bearer {self._api_key}"
        return headers

    async def _whole(self, path: str, call: Call) -> Answer:
        with _deadline(self._total_s):
            response = await self._send(path, call, within_s=self._total_s)
            try:
                body = orjson.loads(await _bounded(response))
            except (aiohttp.ClientError, OSError) as error:
                raise Unavailable("The model provider broke off its answer.") from error
            except orjson.JSONDecodeError as error:
                raise Unavailable("The model provider gave an answer that cannot be read.") from error
            finally:
                response.close()
        if not isinstance(body, dict):
            raise Unavailable("The model provider gave an answer that cannot be read.")
        return Answer(
            body=body,
            spent=spent_of(body.get("usage")),
            model=str(body.get("model") or call.model),
            finish_reason=_finish_reason(body),
        )

    async def _send(self, path: str, call: Call, *, within_s: float) -> aiohttp.ClientResponse:
        """The open response of a call the provider accepted."""
        if self._session is None:
            raise Unavailable("The model gateway is not ready yet.")
        content = orjson.dumps({**call.body, "model": call.model})
        url = self._url(path, call.model)
        try:
            with _deadline(within_s):
                response = await self._session.post(url, data=content, headers=self._headers(), allow_redirects=False)
        except TimeoutError as error:
            raise DeadlineExceeded("The model provider took too long to answer.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable("The model provider does not answer at the moment.") from error
        if response.status != 200:
            response.close()
            raise error_of(response.status, response.headers.get("retry-after"))
        return response

    async def _chunks(self, response: aiohttp.ClientResponse, deadline: float) -> AsyncIterator[Chunk]:
        wait_until = min(deadline, anyio.current_time() + self._first_token_s)
        try:
            while True:
                with _deadline(wait_until - anyio.current_time()):
                    line = await response.content.readline()
                wait_until = deadline
                if not line:
                    raise Unavailable("The model provider broke off its answer.")
                if not line.startswith(b"data:"):
                    continue
                data = line[5:].strip()
                if data == b"[DONE]":
                    with _deadline(END_S_MAX):  # a body read to its end gives its connection back to the pool
                        await response.content.read()
                    return
                yield _chunk(data)
        except ValueError as error:  # a line over the buffer's bound
            raise Unavailable("The model provider gave an answer that cannot be read.") from error
        except TimeoutError as error:
            raise DeadlineExceeded("The model provider took too long to answer.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable("The model provider broke off its answer.") from error
        finally:
            response.release()  # closes what was not read to its end


class _deadline:
    def __init__(self, seconds: float) -> None:
        self._scope = anyio.CancelScope(deadline=anyio.current_time() + max(0.0, seconds))

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, *exception: Any) -> bool | None:
        handled = self._scope.__exit__(*exception)
        if self._scope.cancelled_caught:
            raise DeadlineExceeded("The model provider took too long to answer.")
        return handled


def error_of(status: int, retry_after: str | None) -> SwitchboardError:
    """Our error for a provider's status. Its body is not looked at: it may hold anything."""
    seconds = min(int(retry_after), RETRY_AFTER_S_MAX) if retry_after and retry_after.isdigit() else 5
    if status in (401, 403):
        return BadConfiguration("The model provider refused the gateway's key. An operator must check it.")
    if status == 404:
        return BadConfiguration("The model provider does not have this model. An operator must check the policy.")
    if status == 413:
        return TooLarge("The conversation is too long for the model.")
    if status == 429:
        return LimitExceeded("The model provider is busy. Please try again a little later.", retry_after_s=seconds)
    if status in (408, 504):
        return DeadlineExceeded("The model provider took too long to answer.")
    if status < 500:
        return Unprocessable("The model provider does not accept this request.")
    return Unavailable("The model provider does not work at the moment.", retry_after_s=seconds)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise Unavailable("The model provider's answer is too long.")
        parts.append(part)
    return b"".join(parts)


def _chunk(data: bytes) -> Chunk:
    if b'"usage"' not in data and b'"finish_reason"' not in data and b'"error"' not in data:
        return Chunk(data=data)
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unavailable("The model provider gave an answer that cannot be read.") from error
    if not isinstance(body, dict) or "error" in body:
        raise Unavailable("The model provider broke off its answer.")
    return Chunk(data=data, body=body)


def _finish_reason(body: dict[str, Any]) -> str:
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return str(choices[0].get("finish_reason") or "")
    return ""

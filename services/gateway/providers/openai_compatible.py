"""OpenAI and every server that speaks its protocol: bodies pass through, only the model's name is rewritten."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
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
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(total_s, connect=connect_s),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=50),
            follow_redirects=False,
        )

    @property
    def name(self) -> str:
        return "openai"

    async def open(self) -> None:
        """Nothing to prepare: connections are made as they are needed."""

    async def close(self) -> None:
        await self._client.aclose()

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
            except httpx.HTTPError as error:
                raise Unavailable("The model provider broke off its answer.") from error
            except orjson.JSONDecodeError as error:
                raise Unavailable("The model provider gave an answer that cannot be read.") from error
            finally:
                await response.aclose()
        if not isinstance(body, dict):
            raise Unavailable("The model provider gave an answer that cannot be read.")
        return Answer(
            body=body,
            spent=spent_of(body.get("usage")),
            model=str(body.get("model") or call.model),
            finish_reason=_finish_reason(body),
        )

    async def _send(self, path: str, call: Call, *, within_s: float) -> httpx.Response:
        """The open response of a call the provider accepted."""
        content = orjson.dumps({**call.body, "model": call.model})
        url = self._url(path, call.model)
        request = self._client.build_request("POST", url, content=content, headers=self._headers())
        try:
            with _deadline(within_s):
                response = await self._client.send(request, stream=True)
        except httpx.TimeoutException as error:
            raise DeadlineExceeded("The model provider took too long to answer.") from error
        except httpx.HTTPError as error:
            raise Unavailable("The model provider does not answer at the moment.") from error
        if response.status_code != 200:
            await response.aclose()
            raise error_of(response.status_code, response.headers.get("retry-after"))
        return response

    async def _chunks(self, response: httpx.Response, deadline: float) -> AsyncIterator[Chunk]:
        lines = response.aiter_lines()
        wait_until = min(deadline, anyio.current_time() + self._first_token_s)
        try:
            while True:
                with _deadline(wait_until - anyio.current_time()):
                    line = await anext(lines, None)
                wait_until = deadline
                if line is None:
                    raise Unavailable("The model provider broke off its answer.")
                if len(line) > LINE_BYTES_MAX:
                    raise Unavailable("The model provider gave an answer that cannot be read.")
                if not line.startswith("data:"):
                    continue
                data = line[5:].strip()
                if data == "[DONE]":
                    return
                yield _chunk(data.encode())
        except httpx.HTTPError as error:
            raise Unavailable("The model provider broke off its answer.") from error
        finally:
            await response.aclose()


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


async def _bounded(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
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

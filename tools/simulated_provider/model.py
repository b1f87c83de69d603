"""The simulated model: OpenAI requests in, answers and streams out, by its profile and its faults."""

import asyncio
import random
import time
import uuid
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

from switchboard.text.tokens import estimated_tokens, tokens_of_bytes
from tools.simulated_provider.faults import Fault, Faults, last_text
from tools.simulated_provider.profile import Profile, ScriptedCall, ScriptedStep
from tools.simulated_provider.served import Served, ServedRequest

HANG_S_MAX = 600.0
EMBEDDING_DIMENSIONS = 384
SECRET = "provider-secret: this text must never reach a caller"
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet")
MALFORMED = b'data: {"id": "x", "choices": [{"index": 0, "delta": {"content": "' + SECRET.encode() + b"\n\n"


class Refused(Exception):
    """The provider answers with an error status."""

    def __init__(self, status: int, retry_after_s: float | None, body: dict[str, Any] | None) -> None:
        super().__init__(str(status))
        self.body = body or {"error": {"message": SECRET}}
        self.status = status
        self.retry_after_s = retry_after_s


class BrokenOff(Exception):
    """The connection ends here."""


@dataclass(frozen=True, slots=True)
class _Words:
    pieces: list[str]
    calls: list[ScriptedCall]
    refusal: str = ""
    finish: str | None = None

    @property
    def tokens(self) -> int:
        return len(self.pieces) + 2 * len(self.calls) + bool(self.refusal)

    @property
    def finish_reason(self) -> str:
        natural = "tool_calls" if self.calls else "stop"
        return natural if self.finish is None else self.finish


class SimulatedModel:
    """One provider. Everything may be set while it runs."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.served = Served()
        self._chance = random.Random(1)
        self.faults = Faults(self._chance)
        self.follow(profile or Profile())

    def follow(self, profile: Profile) -> None:
        self.profile = profile
        self._chance.seed(profile.seed)
        self._script = [step.model_copy() for step in profile.script]

    async def answer(self, body: dict[str, Any], request_id: str) -> bytes:
        """A whole `chat.completion` as JSON. Raises `Refused`, `BrokenOff`."""
        request = self.served.begin(request_id, str(body.get("model") or ""))
        fault = await self._begun(body)
        words = self._words(body)
        ttft_s, gap_s = self._times(fault)
        if delay_s := ttft_s + gap_s * words.tokens:
            await asyncio.sleep(delay_s)
        if request.stopped:
            raise BrokenOff
        self._charge_prompt(request, body)
        self.served.completion(request, words.tokens)
        if fault is not None and fault.kind == "cut":
            raise BrokenOff
        if fault is not None and fault.kind == "malformed":
            return b'{"id": "' + SECRET.encode()
        message: dict[str, Any] = {"role": "assistant", "content": "".join(words.pieces) or None}
        message["refusal"] = words.refusal or None
        if words.calls:
            message["tool_calls"] = [_call(call) for call in words.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": words.finish_reason or None}
        head = _head("chat.completion", request_id, request.model)
        return orjson.dumps({**head, "choices": [choice], "usage": _usage(request)})

    async def events(self, body: dict[str, Any], request_id: str) -> AsyncIterator[bytes]:
        """The events of a stream. Raises `Refused` at the first one only, `BrokenOff` anywhere."""
        request = self.served.begin(request_id, str(body.get("model") or ""))
        fault = await self._begun(body)
        words = self._words(body)
        ttft_s, gap_s = self._times(fault)
        head = (
            orjson.dumps(_head("chat.completion.chunk", request_id, request.model))[:-1]
            + b',"choices":[{"index":0,"delta":'
        )
        yield b"data: " + head + b'{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
        if ttft_s:
            await asyncio.sleep(ttft_s)
        due = time.perf_counter()
        for sent, delta in enumerate(_deltas(words)):
            if request.stopped or (fault is not None and fault.kind == "cut" and sent >= fault.after_tokens):
                raise BrokenOff
            if fault is not None and fault.kind == "malformed" and sent >= fault.after_tokens:
                yield MALFORMED
                raise BrokenOff
            if sent == 0:
                self._charge_prompt(request, body)
            self.served.completion(request, 1)
            yield b"data: " + head + delta + b',"finish_reason":null}]}\n\n'
            due += gap_s
            if gap_s and (pause_s := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause_s)
        if fault is not None and fault.kind == "cut":
            raise BrokenOff
        last = b""
        if words.finish_reason:
            last = b"data: " + head + b'{},"finish_reason":' + orjson.dumps(words.finish_reason) + b"}]}\n\n"
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            usage = {
                **_head("chat.completion.chunk", request_id, request.model),
                "choices": [],
                "usage": _usage(request),
            }
            last += b"data: " + orjson.dumps(usage) + b"\n\n"
        yield last + b"data: [DONE]\n\n"

    async def embed(self, body: dict[str, Any], request_id: str) -> bytes:
        """Vectors that depend on the text alone. Raises `Refused`, `BrokenOff`."""
        request = self.served.begin(request_id, str(body.get("model") or ""))
        fault = await self._begun(body)
        if fault is not None:
            raise BrokenOff
        raw = body.get("input")
        texts = raw if isinstance(raw, list) else [raw]
        tokens = sum(estimated_tokens(str(text)) for text in texts)
        self.served.prompt(request, tokens, 0)
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(str(text))} for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return orjson.dumps({"object": "list", "data": data, "model": request.model, "usage": usage})

    async def _begun(self, body: dict[str, Any]) -> Fault | None:
        fault = self.faults.of(body)
        if fault is not None and fault.kind == "status":
            raise Refused(fault.status, fault.retry_after_s, fault.body)
        if fault is not None and fault.kind == "hang":
            await asyncio.sleep(HANG_S_MAX)
            raise BrokenOff
        return fault

    def _times(self, fault: Fault | None) -> tuple[float, float]:
        """Seconds to the first token, and between two."""
        rate = self.profile.tokens_per_s.draw(self._chance)
        gap_s = 1.0 / rate if rate else 0.0
        if fault is not None and fault.kind == "drip":
            gap_s = fault.delay_ms / 1000
        return self.profile.ttft_ms.draw(self._chance) / 1000, gap_s

    def _words(self, body: dict[str, Any]) -> _Words:
        step = self._scripted(body)
        if step is None and body.get("tools") and body.get("tool_choice") not in (None, "auto", "none"):
            name = body["tools"][0]["function"]["name"]
            if isinstance(body["tool_choice"], dict):
                name = body["tool_choice"]["function"]["name"]
            step = ScriptedStep(tool_calls=[ScriptedCall(name=name)])
        if step is not None:
            words = step.text.split(" ") if step.text else []
            pieces = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
            return _Words(pieces, step.tool_calls, step.refusal, step.finish_reason)
        most = body.get("max_completion_tokens") or body.get("max_tokens") or 100_000
        count = max(1, min(int(self.profile.answer_tokens.draw(self._chance)), most))
        return _Words([WORDS[0], *(f" {WORDS[index % len(WORDS)]}" for index in range(1, count))], [])

    def _scripted(self, body: dict[str, Any]) -> ScriptedStep | None:
        last = last_text(body)
        for index, step in enumerate(self._script):
            if step.when is None:
                return self._script.pop(index)
            if step.when in last:
                return step
        return None

    def _charge_prompt(self, request: ServedRequest, body: dict[str, Any]) -> None:
        size = sum(len(str(message.get("content") or "")) for message in body.get("messages") or [])
        tokens = max(1, tokens_of_bytes(size))
        self.served.prompt(request, tokens, int(tokens * self.profile.cached_share))


def _deltas(words: _Words) -> list[bytes]:
    """One event a token."""
    deltas = [b'{"content":' + orjson.dumps(piece) + b"}" for piece in words.pieces]
    if words.refusal:
        deltas.append(b'{"refusal":' + orjson.dumps(words.refusal) + b"}")
    for index, call in enumerate(words.calls):
        opened = {**_call(call), "index": index}
        arguments = opened["function"]["arguments"]
        opened["function"] = {"name": call.name, "arguments": ""}
        deltas.append(orjson.dumps({"tool_calls": [opened]}))
        deltas.append(orjson.dumps({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}))
    return deltas


def _call(call: ScriptedCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()}
    return {"id": f"call_{uuid.uuid4().hex[:12]}", "type": "function", "function": function}


def _head(kind: str, request_id: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{request_id}", "object": kind, "created": int(time.time()), "model": model}


def _usage(request: ServedRequest) -> dict[str, Any]:
    return {
        "prompt_tokens": request.prompt_tokens,
        "completion_tokens": request.completion_tokens,
        "total_tokens": request.prompt_tokens + request.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": request.cached_tokens},
    }


def _vector(text: str) -> list[float]:
    chance = random.Random(zlib.crc32(text.encode()))
    values = [chance.gauss(0, 1) for _ in range(EMBEDDING_DIMENSIONS)]
    length = sum(value * value for value in values) ** 0.5
    return [value / length for value in values]

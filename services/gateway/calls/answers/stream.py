"""An answer on its way from a provider to the caller, from its first token to its settlement."""

import asyncio
import logging
import time
from typing import Any

import orjson
from opentelemetry.trace import Status, StatusCode

from services.gateway.calls.answers.errors import body_of
from services.gateway.calls.answers.reader import EventReader
from services.gateway.calls.context import CallContext
from services.gateway.calls.settlement import Attempt, AttemptEnd, usage_of
from services.gateway.ports import Cache
from services.gateway.providers.chunked import DONE
from services.gateway.providers.port import BROKEN_OFF, TOO_SLOW, EventBytes, Spent
from switchboard.contracts.errors import DeadlineExceeded, SwitchboardError, Unavailable
from switchboard.contracts.sse import encode
from switchboard.ledger.record import Outcome
from switchboard.telemetry import record_usage

logger = logging.getLogger(__name__)

TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"


class OpenedStream:
    """A provider's stream up to its first token. Until then, everything may be tried again elsewhere."""

    def __init__(self, source: EventBytes, reader: EventReader) -> None:
        self.source = source
        self.reader = reader
        self.held = b""
        """Whole events that the caller has not got yet."""

    async def wait(self, first_token_s: float) -> None:
        """Reads until the first token (or call, or the end). Raises `DeadlineExceeded`, `Unavailable`; closes then."""
        reader = self.reader
        try:
            async with asyncio.timeout(first_token_s):
                while not reader.tokens and not reader.done:
                    data = await self.source.read()
                    if not data:
                        if reader.is_whole:
                            reader.done = True
                            return
                        raise Unavailable(BROKEN_OFF)
                    self.held += reader.feed(data)
        except TimeoutError as error:
            await self.source.close()
            raise DeadlineExceeded(TOO_SLOW) from error
        except BaseException:
            await self.source.close()
            raise


class ModelStream:
    """The rest of it. `read` blocks of whole events until an empty one, then `close`; `close` alone cancels it."""

    def __init__(self, opened: OpenedStream, attempt: Attempt, context: CallContext, cache: Cache) -> None:
        self._source = opened.source
        self._reader = opened.reader
        self._held = opened.held
        self._attempt = attempt
        self._context = context
        self._settlement = context.settlement
        self._times = context.active.times
        self._cache = cache
        now = time.perf_counter()
        self._first_token_ms = (now - attempt.started) * 1000
        self._over = False
        self._tokens_seen = -1
        self._wait_until = 0.0
        context.span.set_attribute(TIME_TO_FIRST_CHUNK, now - context.started)

    @property
    def over(self) -> bool:
        """`read` has given the last events."""
        return self._over

    async def read(self) -> bytes:
        """The next events; empty after the last. Raises nothing but cancellation: an error is an event."""
        if self._over:
            return b""
        try:
            block = await self._next()
        except SwitchboardError as error:
            return await self._cut(error)
        if self._reader.done:
            return block + await self._end()
        return block

    async def close(self) -> None:
        """Ends it, wherever it is. A stream that its caller gave up goes on in the background, to learn what it cost."""
        if not self._over:
            self._over = True
            self._settlement.later(self._give_up())
            await self._settlement.settle()

    async def _next(self) -> bytes:
        if self._held:
            held, self._held = self._held, b""
            return held
        reader, loop = self._reader, asyncio.get_running_loop()
        while not reader.done:
            if reader.tokens != self._tokens_seen:  # only a token is progress, a comment is not
                self._tokens_seen = reader.tokens
                self._wait_until = min(self._context.deadline, loop.time() + self._times.between_tokens_s)
            try:
                async with asyncio.timeout_at(self._wait_until):
                    data = await self._source.read()
            except TimeoutError as error:
                raise DeadlineExceeded(TOO_SLOW) from error
            if not data:
                if not reader.is_whole:
                    raise Unavailable(BROKEN_OFF)
                reader.done = True
                break
            if block := reader.feed(data):
                return block
        return b""

    async def _end(self) -> bytes:
        self._over = True
        reader = self._reader
        cost = self._ended("ok", reader.spent)
        await self._settlement.settle()
        last = b""
        if self._context.call.wants_usage:
            usage: dict[str, Any] = reader.usage or _openai_usage(self._counted())
            chunk = {**reader.head(), "choices": [], "usage": usage_of(usage, cost)}
            last = encode(orjson.dumps(chunk))
        self._settlement.afterwards(self._finish())
        return last + DONE

    async def _finish(self) -> None:
        """After the last byte: nobody waits for this."""
        await self._source.finish()
        await self._source.close()
        ticket = self._context.lookup.ticket
        if ticket is not None and self._reader.finish_reason in ("stop", "tool_calls"):
            await self._cache.store(ticket, self._reader.answer(), self._reader.spent or self._counted())

    async def _cut(self, error: SwitchboardError) -> bytes:
        self._over = True
        await self._source.close()
        self._context.span.set_status(Status(StatusCode.ERROR, error.code))
        self._settlement.later(self._learn("cut", error.code))
        await self._settlement.settle()
        return encode(orjson.dumps(body_of(error)))

    async def _give_up(self) -> None:
        try:
            async with asyncio.timeout(self._times.drain_s):
                while not self._reader.done and (data := await self._source.read()):
                    self._reader.feed(data)
        except (TimeoutError, SwitchboardError) as error:
            logger.info("A stream that its caller gave up was not read to its end: %s", type(error).__name__)
        if self._reader.done:
            await self._source.finish()
        await self._source.close()
        await self._learn("cancelled", "")

    async def _learn(self, outcome: Outcome, code: str) -> None:
        """Records a stream without an end: by what the provider says of it, else by what came."""
        spent = self._reader.spent or await self._attempt.provider.spent_on(self._settlement.id_of(self._attempt))
        self._ended(outcome, spent, error=code)

    def _ended(self, outcome: Outcome, spent: Spent | None, *, error: str = "") -> int:
        """Records the attempt and ends its span; `spent` None: the provider did not say. Returns picodollars."""
        model = self._reader.model
        known = spent or self._counted()
        end = AttemptEnd(outcome, known, model, error, estimated=spent is None, first_token_ms=self._first_token_ms)
        cost = self._settlement.ended(self._attempt, end)
        span = self._context.span
        record_usage(
            span,
            input_tokens=known.prompt_tokens,
            output_tokens=known.completion_tokens,
            response_model=model,
            finish_reason=self._reader.finish_reason,
            cost_picousd=cost,
        )
        span.end()
        return cost

    def _counted(self) -> Spent:
        return Spent(self._context.call.prompt_tokens, self._reader.tokens)


def _openai_usage(spent: Spent) -> dict[str, int]:
    return {
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "total_tokens": spent.total,
    }

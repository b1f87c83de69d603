"""An answer on its way from a provider to the caller, from its first token to the end of its account."""

import asyncio
import logging
import time
from typing import Any

import orjson
from opentelemetry.trace import Span, Status, StatusCode

from services.gateway.calls.account import Account
from services.gateway.calls.errors import body_of
from services.gateway.calls.events import BROKEN_OFF, EventReader
from services.gateway.calls.ports import Cache, Outcome
from services.gateway.calls.replay import DONE
from services.gateway.calls.route import Route
from services.gateway.policy import Target
from services.gateway.providers.port import EventBytes, Provider, Spent, Times
from switchboard.contracts.errors import DeadlineExceeded, SwitchboardError, Unavailable
from switchboard.contracts.money import picousd_of
from switchboard.telemetry import record_usage

logger = logging.getLogger(__name__)

TOO_SLOW = "The model provider took too long to answer."
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"


class Opened:
    """A provider's stream up to its first token. Until then, everything may be tried again elsewhere."""

    def __init__(self, source: EventBytes, reader: EventReader) -> None:
        self.source = source
        self.reader = reader
        self.started = time.perf_counter()
        self.held = b""
        """Whole events that the caller has not got yet."""

    @staticmethod
    def too_slow() -> DeadlineExceeded:
        return DeadlineExceeded(TOO_SLOW)

    async def wait(self, first_token_s: float) -> None:
        """Reads until the first token (or call, or the end). Raises `DeadlineExceeded`, `Unavailable`; closes then."""
        reader = self.reader
        try:
            async with asyncio.timeout(first_token_s):
                while not reader.tokens and not reader.done:
                    data = await self.source.read()
                    if not data:
                        if reader.finish_reason:
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

    def __init__(
        self,
        opened: Opened,
        *,
        account: Account,
        route: Route,
        span: Span,
        target: Target,
        provider: Provider,
        times: Times,
        deadline: float,
        cache: Cache,
        ticket: Any,
        started: float,
    ) -> None:
        self._opened = opened
        self._reader = opened.reader
        self._account = account
        self._route = route
        self._span = span
        self._target = target
        self._provider = provider
        self._times = times
        self._deadline = deadline
        self._cache = cache
        self._ticket = ticket
        self._started = started
        self._first_token_ms = (time.perf_counter() - started) * 1000
        self._held = opened.held
        self._over = False
        self._tokens_seen = -1
        self._wait_until = 0.0
        span.set_attribute(TIME_TO_FIRST_CHUNK, self._first_token_ms / 1000)
        options = account.call.body.get("stream_options")
        self._wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))

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
            self._account.later(self._give_up())
            await self._account.settle()

    async def _next(self) -> bytes:
        if self._held:
            held, self._held = self._held, b""
            return held
        reader, loop = self._reader, asyncio.get_running_loop()
        while not reader.done:
            if reader.tokens != self._tokens_seen:  # only a token is progress, a comment is not
                self._tokens_seen = reader.tokens
                self._wait_until = min(self._deadline, loop.time() + self._times.between_tokens_s)
            try:
                async with asyncio.timeout_at(self._wait_until):
                    data = await self._opened.source.read()
            except TimeoutError as error:
                raise DeadlineExceeded(TOO_SLOW) from error
            if not data:
                if not reader.finish_reason:
                    raise Unavailable(BROKEN_OFF)
                reader.done = True
                break
            if block := reader.feed(data):
                return block
        return b""

    async def _end(self) -> bytes:
        self._over = True
        reader = self._reader
        told = reader.spent is not None
        cost = self._record("ok", reader.spent or self._counted(), estimated=not told)
        await self._account.settle()
        last = b""
        if self._wants_usage:
            usage = reader.usage or _usage(self._counted())
            chunk = {**reader.head(), "choices": [], "usage": {**usage, "cost_usd": float(cost)}}
            last = b"data: " + orjson.dumps(chunk) + b"\n\n"
        self._account.afterwards(self._finish())
        return last + DONE

    async def _finish(self) -> None:
        """After the last byte: nobody waits for this."""
        await self._opened.source.finish()
        await self._opened.source.close()
        if self._ticket is not None and self._reader.finish_reason in ("stop", "tool_calls"):
            await self._cache.store(self._ticket, self._reader.answer(), self._reader.spent or self._counted())

    async def _cut(self, error: SwitchboardError) -> bytes:
        self._over = True
        await self._opened.source.close()
        self._span.set_status(Status(StatusCode.ERROR, error.code))
        self._account.later(self._learn("cut", error.code))
        await self._account.settle()
        return b"data: " + orjson.dumps(body_of(error)) + b"\n\n"

    async def _give_up(self) -> None:
        try:
            async with asyncio.timeout(self._times.drain_s):
                while not self._reader.done and (data := await self._opened.source.read()):
                    self._reader.feed(data)
        except (TimeoutError, SwitchboardError) as error:
            logger.info("A stream that its caller gave up was not read to its end: %s", type(error).__name__)
        if self._reader.done:
            await self._opened.source.finish()
        await self._opened.source.close()
        await self._learn("cancelled", "")

    async def _learn(self, outcome: Outcome, code: str) -> None:
        """Records a stream without an end: by what the provider says of it, else by what came."""
        told = self._reader.spent or await self._provider.spent_on(self._account.attempt_id)
        self._record(outcome, told or self._counted(), estimated=told is None, error=code)

    def _record(self, outcome: Outcome, spent: Spent, *, estimated: bool, error: str = ""):
        model = self._reader.model or self._target.model
        cost = self._account.record(
            self._target,
            self._route.step,
            outcome,
            spent,
            self._started,
            model=model,
            error=error,
            estimated=estimated,
            first_token_ms=self._first_token_ms,
        )
        record_usage(
            self._span,
            input_tokens=spent.prompt_tokens,
            output_tokens=spent.completion_tokens,
            response_model=model,
            finish_reason=self._reader.finish_reason,
            cost_picousd=picousd_of(cost),
        )
        self._span.end()
        return cost

    def _counted(self) -> Spent:
        return Spent(self._account.call.prompt_tokens, self._reader.tokens)


def _usage(spent: Spent) -> dict[str, int]:
    return {
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "total_tokens": spent.total,
    }

"""Whose turn a span belongs to: W3C baggage in the current context, stamped on every span that starts in it."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import baggage, context, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

CONVERSATION_ID = "conversation.id"
TURN_ID = "turn.id"
TENANT_ID = "tenant.id"
USER_ID = "user.id"
"""As OpenTelemetry names it; with the tenant it says whose trace it is."""
EXPERIMENT = "experiment.variant"
"""`<experiment>=<variant>`, where the tenant is in one."""
STAMPED = (CONVERSATION_ID, TURN_ID, TENANT_ID, USER_ID, EXPERIMENT)
VALUE_CHARACTERS_MAX = 128
"""Longer baggage from outside is cut before it becomes an attribute."""

server_span: ContextVar[trace.Span | None] = ContextVar("switchboard_server_span", default=None)
"""The HTTP server span of the request in hand; it starts before the turn is known, and is stamped later."""


@contextmanager
def turn_attributes(
    tenant: str, conversation_id: str, turn_id: str, *, user: str = "", experiment: str = ""
) -> Generator[None]:
    """Puts the turn's ids on the current span, the request's server span and every span started inside.

    With them the variant of the `experiment` that the tenant is in.
    They also travel as W3C baggage, so the services that are called stamp theirs. It may be left in another
    task than it was entered in, as an async generator that is closed early does.
    """
    values = {CONVERSATION_ID: conversation_id, TURN_ID: turn_id, TENANT_ID: tenant}
    if user:
        values[USER_ID] = user
    if experiment:
        values[EXPERIMENT] = experiment
    stamped = context.get_current()
    for key, value in values.items():
        stamped = baggage.set_baggage(key, value, stamped)
    for span in (trace.get_current_span(), server_span.get()):
        if span is not None:
            span.set_attributes(values)
    token = context.attach(stamped)
    try:
        yield
    finally:
        if context.get_current() is stamped:
            context.detach(token)


@contextmanager
def turn_again(trace_id: str, span_id: str) -> Generator[None]:
    """Spans started inside belong to a turn that has ended, below its span. Ids are hex, as the turn's record has them.

    Where they are not ids, the spans inside are a trace of their own.
    """
    try:
        turn = trace.SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)
        )
    except ValueError:
        turn = trace.INVALID_SPAN_CONTEXT
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(turn), Context()))
    try:
        yield
    finally:
        context.detach(token)


def current_span_id() -> str:
    """The span in hand as 16 hex digits; all zeros outside any span."""
    return trace.format_span_id(trace.get_current_span().get_span_context().span_id)


def current_trace_id() -> str:
    """The trace in hand as 32 hex digits; all zeros outside any span."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)


class TurnStamp(SpanProcessor):
    """Copies the turn's ids onto a span, from the baggage of its context, else from its parent in this process."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        carried = baggage.get_all(parent_context)
        parent = trace.get_current_span(parent_context)
        # A parent may have been stamped after its context was made: what follows the turn in it belongs to it too.
        inherited = (parent.attributes or {}) if isinstance(parent, ReadableSpan) else {}
        for key in STAMPED:
            value = carried.get(key) or inherited.get(key)
            if value is not None:
                span.set_attribute(key, str(value)[:VALUE_CHARACTERS_MAX])

    def on_end(self, span: ReadableSpan) -> None:
        pass

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

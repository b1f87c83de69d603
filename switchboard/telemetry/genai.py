"""Spans of models, agents and tools by the OpenTelemetry GenAI semantic conventions (v1.36 names)."""

from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind

from switchboard.telemetry.setup import tracer

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
AGENT_ID = "gen_ai.agent.id"
AGENT_NAME = "gen_ai.agent.name"
TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
COST_PICOUSD = "switchboard.cost_picousd"
"""Whole picodollars (10^-12 US dollars)."""


@contextmanager
def model_span(operation: str, model: str, provider: str) -> Generator[Span]:
    """A call of a model; `operation` is `chat` or `embeddings`, `model` what was asked for, `provider` who serves it."""
    attributes = {OPERATION: operation, REQUEST_MODEL: model, PROVIDER: provider}
    with tracer(__name__).start_as_current_span(
        f"{operation} {model}", kind=SpanKind.CLIENT, attributes=attributes
    ) as span:
        yield span


@contextmanager
def agent_span(agent_id: str, name: str = "") -> Generator[Span]:
    """An agent at work on a turn."""
    attributes = {OPERATION: "invoke_agent", AGENT_ID: agent_id, AGENT_NAME: name or agent_id}
    with tracer(__name__).start_as_current_span(f"invoke_agent {agent_id}", attributes=attributes) as span:
        yield span


@contextmanager
def tool_span(name: str, call_id: str = "") -> Generator[Span]:
    """A tool that an agent runs."""
    attributes = {OPERATION: "execute_tool", TOOL_NAME: name, TOOL_CALL_ID: call_id}
    with tracer(__name__).start_as_current_span(f"execute_tool {name}", attributes=attributes) as span:
        yield span


def record_usage(
    span: Span,
    *,
    input_tokens: int,
    output_tokens: int = 0,
    response_model: str = "",
    finish_reason: str = "",
    cost_picousd: int | None = None,
) -> None:
    """Puts what a model call spent on its span."""
    span.set_attribute(INPUT_TOKENS, input_tokens)
    span.set_attribute(OUTPUT_TOKENS, output_tokens)
    if response_model:
        span.set_attribute(RESPONSE_MODEL, response_model)
    if finish_reason:
        span.set_attribute(FINISH_REASONS, [finish_reason])
    if cost_picousd is not None:
        span.set_attribute(COST_PICOUSD, cost_picousd)

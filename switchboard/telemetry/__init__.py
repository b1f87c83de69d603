"""One trace a turn: exporters, propagation, and the turn's ids on every span. Imports no model code.

telemetry = setup("billing", endpoint="http://127.0.0.1:4318", connection_string=None)
telemetry.instrument(app)
with turn_attributes(tenant="aurora", conversation_id="c1", turn_id="c1.1"):
    with tracer(__name__).start_as_current_span("route"): ...
"""

from switchboard.telemetry.context import current_span_id, current_trace_id, turn_again, turn_attributes
from switchboard.telemetry.genai import agent_span, model_span, record_usage, tool_span
from switchboard.telemetry.setup import IsOurs, Telemetry, setup, tracer

__all__ = [
    "IsOurs",
    "Telemetry",
    "agent_span",
    "current_span_id",
    "current_trace_id",
    "model_span",
    "record_usage",
    "setup",
    "tool_span",
    "tracer",
    "turn_again",
    "turn_attributes",
]

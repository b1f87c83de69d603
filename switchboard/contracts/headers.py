"""Every header of ours. Values are plain ASCII; other characters are percent-encoded."""

from typing import Final

# Who a model call is for, from our services to the gateway.
TENANT: Final = "x-switchboard-tenant"
USER: Final = "x-switchboard-user"
TIER: Final = "x-switchboard-tier"
FEATURE: Final = "x-switchboard-feature"
AGENT: Final = "x-switchboard-agent"
CONVERSATION: Final = "x-switchboard-conversation"
TURN: Final = "x-switchboard-turn"
LANE: Final = "x-switchboard-lane"
PREFERENCE: Final = "x-model-preference"
CACHEABLE: Final = "x-switchboard-cacheable"
KNOWLEDGE: Final = "x-switchboard-knowledge"

# What the gateway says of its answer.
ROUTE: Final = "x-switchboard-route"
CACHE: Final = "x-switchboard-cache"
REQUEST_ID: Final = "x-request-id"

# What the gateway says to a provider, in OpenAI's words.
CLIENT_REQUEST_ID: Final = "x-client-request-id"

# At the public edge.
TRACE_ID: Final = "x-trace-id"
IDEMPOTENCY_KEY: Final = "idempotency-key"
LAST_EVENT_ID: Final = "last-event-id"
CACHE_CONTROL: Final = "cache-control"
"""Of a question: `no-cache` wants an answer that was not given before, `no-store` also that it is not kept."""
RETRY_AFTER: Final = "retry-after"
OTLP_TOKEN: Final = "x-switchboard-otlp-token"
"""With every export of spans; exporters take it from OTEL_EXPORTER_OTLP_HEADERS."""
DAPR_API_TOKEN: Final = "dapr-api-token"

"""Every path that one of our services invokes at another. Without a leading slash, as service invocation takes them."""

from typing import Final

AGENT_TURNS: Final = "agent/turns"
"""`POST` a `TurnRequest`; answers a stream of TurnEvents."""
AGENT_SOURCES: Final = "agent/sources"
"""`POST` which passage and for which tenant; answers the document behind a citation."""
CHAT_COMPLETIONS: Final = "v1/chat/completions"
EMBEDDINGS: Final = "v1/embeddings"
MODELS: Final = "v1/models"
EVENTS: Final = "events/"
"""Below it a sidecar delivers the events of each topic; they are bounded where they are read."""
HEALTH: Final = "healthz"

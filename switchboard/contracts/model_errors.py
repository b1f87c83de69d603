"""Codes of the gateway's errors that its callers act on, in OpenAI's words."""

CONTENT_FILTER = "content_filter"
"""The provider's filter refused what it was asked."""
CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
"""The messages and tools are longer than the model can read."""

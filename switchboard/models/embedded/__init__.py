"""The embedded chat model: small, honest, deterministic, without any domain in it. See docs/embedded-model.md."""

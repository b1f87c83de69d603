"""The gateway's caches: exact, semantic and of embeddings. What they decide by is in `switchboard.caching`."""

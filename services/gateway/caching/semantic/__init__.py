"""Caches of model answers: exact, semantic and embeddings. Pure decisions here; stores behind ports."""

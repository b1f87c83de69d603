"""Retrieval measured on dialogues: whether the right document is found and cited, and how long a query takes."""

"""Measures of routing, retrieval, answers and cost: what `switchboard eval` runs."""

"""Answers of agents that rest on articles alone, kept in the state store and given again. docs/answer-cache.md."""

"""What an agent knows: documents in, passages out, by hybrid retrieval with citations."""

from switchboard.knowledge.base import KnowledgeBase, Source

__all__ = ["KnowledgeBase", "Source"]

"""What an agent knows: Markdown articles, indexed for hybrid retrieval with citations."""

from switchboard.knowledge.base import KnowledgeBase, Source

__all__ = ["KnowledgeBase", "Source"]

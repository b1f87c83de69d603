"""Readers of files that are not Markdown: each turns one into an `Article` whose text is Markdown.

They need the extra `ingest`; offsets of citations count the characters of the text that a reader makes.
"""

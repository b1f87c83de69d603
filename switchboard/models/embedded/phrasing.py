"""Which words of a message the model goes by, and how a tool's description becomes words to a user."""

from switchboard.text import words as text_words
from switchboard.text.stop_words import REQUEST_WORDS, STOP_WORDS

IGNORED_WORDS = STOP_WORDS | REQUEST_WORDS
"""A message asks, an article does not: 'show me', 'I want to know' say nothing of what about."""


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order."""
    return text_words.content_stems(text, IGNORED_WORDS)


def lower_first(text: str) -> str:
    """'Which month' → 'which month', but 'TV box' stays."""
    return text if len(text) > 1 and text[1].isupper() else text[:1].lower() + text[1:]


def bare_verb(word: str) -> str:
    """'explains' → 'explain', 'searches' → 'search'; a word that is no third person stays as it is."""
    irregular = {"has": "have", "does": "do", "is": "are", "was": "were"}
    if word in irregular:
        return irregular[word]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word

"""Words, stems, sentences and clauses of English text, without any model."""

import re
from collections.abc import Iterable

STOPWORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "there",
        "here",
        "it",
        "its",
        "i'm",
        "i",
        "me",
        "my",
        "mine",
        "we",
        "us",
        "our",
        "you",
        "your",
        "yours",
        "he",
        "she",
        "they",
        "them",
        "their",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "am",
        "do",
        "does",
        "did",
        "done",
        "doing",
        "have",
        "has",
        "had",
        "having",
        "can",
        "could",
        "will",
        "would",
        "shall",
        "should",
        "may",
        "might",
        "must",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "about",
        "into",
        "over",
        "under",
        "than",
        "then",
        "so",
        "as",
        "if",
        "and",
        "or",
        "but",
        "not",
        "no",
        "nor",
        "yes",
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "all",
        "any",
        "some",
        "each",
        "every",
        "more",
        "most",
        "very",
        "just",
        "also",
        "too",
        "only",
        "own",
        "same",
        "please",
        "thanks",
        "thank",
        "hi",
        "hello",
        "hey",
        "ok",
        "okay",
        "tell",
        "show",
        "give",
        "get",
        "let",
        "know",
        "want",
        "need",
        "like",
        "would'd",
        "i'd",
        "i'll",
        "i've",
        "don't",
        "doesn't",
        "didn't",
        "isn't",
        "wasn't",
        "can't",
        "cannot",
        "won't",
        "it's",
        "that's",
        "there's",
        "what's",
        "much",
        "many",
        "again",
        "still",
        "now",
        "up",
        "out",
        "off",
        "help",
        "me",
        "my",
        "back",
        "thing",
        "things",
        "something",
        "anything",
        "nothing",
        "one",
        "ones",
        "kind",
        "sort",
        "going",
        "go",
        "come",
        "way",
        "really",
        "actually",
        "today",
        "yesterday",
        "currently",
        "currently's",
        "ever",
    ]
)

_WORD = re.compile(r"[a-z0-9£$€]+(?:[.,'’&/+-]?[a-z0-9]+)*", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9*£$€])|\n+")
_ABBREVIATIONS = re.compile(
    r"\b(?:e\.g|i\.e|etc|approx|incl|no|vs|mr|mrs|ms|dr|st|min|max|p\.m|a\.m)\.$", re.IGNORECASE
)
_CLAUSE_JOINT = re.compile(
    r"(?:[,;]\s*|\s+)(?:and then|and also|and|but also|but|also|plus|as well as)\s+(?=\S+\s+\S+)|\s*;\s+", re.IGNORECASE
)


def words(text: str) -> list[str]:
    """Lower-case words, numbers included."""
    return [match.group(0).lower().replace("’", "'") for match in _WORD.finditer(text)]


def stem(word: str) -> str:
    """A rough stem: enough that 'charged', 'charges' and 'charge' meet."""
    if word.endswith("'s"):
        word = word[:-2]
    if len(word) <= 3 or any(character.isdigit() for character in word):
        return word
    for ending, kept in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""), ("es", "e")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + kept
            break
    else:
        if word.endswith("s") and not word.endswith("ss"):
            word = word[:-1]
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order."""
    return [stem(word) for word in words(text) if word not in STOPWORDS and (len(word) > 1 or word.isdigit())]


def sentences(text: str) -> list[str]:
    """Sentences in order, without their line ends."""
    found: list[str] = []
    for part in _SENTENCE_END.split(text):
        part = part.strip()
        if not part:
            continue
        if found and _ABBREVIATIONS.search(found[-1]):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found


def clauses(text: str) -> list[str]:
    """Sentences cut at 'and', 'also', ';': candidates for being requests of their own."""
    return [
        part.strip(" ,;") for sentence in sentences(text) for part in _CLAUSE_JOINT.split(sentence) if part.strip(" ,;")
    ]


def join_list(items: Iterable[str], last: str = "and") -> str:
    """'a, b and c'."""
    listed = list(items)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}"


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

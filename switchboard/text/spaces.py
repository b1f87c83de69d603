"""White space and typography made plain, so that what follows compares words and nothing else."""

_TYPOGRAPHY = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
)


def collapsed(text: str) -> str:
    """One space between words, none around them: a pattern that reads it meets no run of white space."""
    return " ".join(text.split())


def straightened(text: str) -> str:
    """Quotes, dashes and spaces of one kind each; the length stays."""
    return text.translate(_TYPOGRAPHY)

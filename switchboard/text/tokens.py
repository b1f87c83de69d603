"""How many tokens a text is for a model, estimated: exact counts need the model's own tokenizer, which is not at hand.

A token is four bytes of UTF-8: close for English prose, and for scripts that take more bytes a character too high,
never too low.
"""

BYTES_A_TOKEN = 4


def estimated_tokens(text: str) -> int:
    """At least one for any text that is not empty."""
    return tokens_of_bytes(len(text.encode()))


def tokens_of_bytes(count: int) -> int:
    """Of so many bytes of UTF-8; for ASCII, of so many characters."""
    return -(-count // BYTES_A_TOKEN)

"""Questions that belong to one person: their answers are nobody else's."""

from switchboard.caching.semantic.reading import Reading

OWN_DATA_DIGITS_MIN = 5


def names_somebody(reading: Reading) -> bool:
    """Whether a question holds what belongs to one person: an address, a long number, an identifier."""
    if any("@" in each or sum(c.isdigit() for c in each) >= OWN_DATA_DIGITS_MIN for each in reading.identifiers):
        return True
    return any(sum(c.isdigit() for c in number) >= OWN_DATA_DIGITS_MIN for number in reading.numbers)

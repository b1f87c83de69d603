"""Questions that belong to one person: their answers are nobody else's."""

from switchboard.caching.semantic.reading import Reading

OWN_DATA_DIGITS_MIN = 5


def names_somebody(reading: Reading) -> bool:
    """Whether a question holds what belongs to one person: an address, a long number, an identifier."""
    return bool(own_data(reading))


def own_data(reading: Reading) -> set[str]:
    """The addresses, long numbers and identifiers in a text."""
    return {each for each in (*reading.identifiers, *reading.numbers) if _is_own(each)}


def _is_own(figure: str) -> bool:
    return "@" in figure or sum(character.isdigit() for character in figure) >= OWN_DATA_DIGITS_MIN

"""Which of the languages that our own sentences are written in a text is in."""

from typing import Literal

from switchboard.text.words import words

Language = Literal["en", "de", "es"]

_ENGLISH = """
the is are was were you your i i'm it it's that this have has with for and not what how why when my to of on be can do does did
will would shall please which there here we our
"""
_GERMAN = """
der die das ist sind war ein eine einen einem ich du sie ihr ihre ihren dein deine deinen mein meine meinen und nicht mit für
auf den dem des zu von im am es wir unsere hat haben wird wurde kann können soll was wie warum wann bitte kein keine noch auch
bei nach über oder aber wenn
"""
_SPANISH = """
el la los las es son era un una yo tu tú su sus mi mis que qué de del y no con para por se lo le al en está están hay ha he
hemos puede puedo cómo cuándo cuánto dónde favor pero si más como también
"""
_COMMON: dict[Language, frozenset[str]] = {
    "en": frozenset(_ENGLISH.split()),
    "de": frozenset(_GERMAN.split()),
    "es": frozenset(_SPANISH.split()),
}
_LETTERS: dict[Language, frozenset[str]] = {"en": frozenset(), "de": frozenset("äöüß"), "es": frozenset("ñ¿¡áíóú")}
LETTER_WEIGHT = 2
READ_CHARACTERS_MAX = 2_000


def language_of(text: str, otherwise: Language = "en") -> Language:
    """The language whose common words and letters are the most; `otherwise` where none or two lead."""
    text = text[:READ_CHARACTERS_MAX].lower()
    found = words(text)
    scores: list[tuple[int, Language]] = [
        (sum(word in common for word in found) + LETTER_WEIGHT * len(_LETTERS[language].intersection(text)), language)
        for language, common in _COMMON.items()
    ]
    scores.sort()
    (second, _), (most, best) = scores[-2:]
    return best if most > second else otherwise

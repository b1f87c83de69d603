"""Names of months and days of the week in English, German and Spanish."""

from typing import Final

_MONTHS: Final = (
    "january jan januar jänner enero ene",
    "february feb februar febrero",
    "march mar märz mrz marzo",
    "april apr abril abr",
    "may mai mayo",
    "june jun juni junio",
    "july jul juli julio",
    "august aug agosto ago",
    "september sept sep septiembre setiembre",
    "october oct oktober okt octubre",
    "november nov noviembre",
    "december dec dezember dez diciembre dic",
)
MONTHS: Final[dict[str, int]] = {name: n for n, names in enumerate(_MONTHS, 1) for name in names.split()}
"""The number of the month by its name in lower case."""
WORDS_TOO: Final = frozenset({"may", "mar", "march", "jan", "ago", "abr", "dic", "dec", "sep", "jun", "jul", "ene"})
"""Names of months that are words or people's names as well: alone, without a day or a year, they name no month in lower
case."""

_WEEKDAYS: Final = (
    "monday montag lunes",
    "tuesday dienstag martes",
    "wednesday mittwoch miércoles",
    "thursday donnerstag jueves",
    "friday freitag viernes",
    "saturday samstag sonnabend sábado",
    "sunday sonntag domingo",
)
WEEKDAYS: Final[dict[str, int]] = {name: n for n, names in enumerate(_WEEKDAYS) for name in names.split()}
"""0 is Monday, as `date.weekday` counts."""

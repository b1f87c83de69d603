"""Units of measure: which words and symbols mean the same one, and how much of the base unit it is."""

import re
from decimal import Decimal
from typing import Final

Dimension = str
"""`seconds`, `months`, `megabytes`, `megabits/s`, `grams`, `millimetres`, `times`, or a unit that nothing else measures."""

_D = Decimal
_WRITTEN: Final[dict[str, tuple[Dimension, tuple[Decimal, ...]]]] = {
    "ms milliseconds millisecond millisekunden milisegundos": ("seconds", (_D("0.001"),)),
    "s sec secs second seconds sekunde sekunden segundo segundos": ("seconds", (_D(1),)),
    "min mins minute minutes minuten minuto minutos": ("seconds", (_D(60),)),
    "h hr hrs hour hours stunde stunden hora horas": ("seconds", (_D(3600),)),
    "day days tag tage tagen werktag werktage werktagen arbeitstag arbeitstage arbeitstagen día días dia dias": (
        "seconds",
        (_D(86_400),),
    ),
    "week weeks woche wochen semana semanas": ("seconds", (_D(604_800),)),
    "month months monat monate monaten mes meses": ("months", (_D(1),)),
    "year years yr yrs jahr jahre jahren año años": ("months", (_D(12),)),
    "kb kilobyte kilobytes": ("megabytes", (_D("0.001"),)),
    "mb megabyte megabytes megas": ("megabytes", (_D(1),)),
    # A gigabyte is told as 1,000 megabytes by one source and as 1,024 by another.
    "gb gig gigs gigabyte gigabytes gigas": ("megabytes", (_D(1000), _D(1024))),
    "tb terabyte terabytes": ("megabytes", (_D(1_000_000), _D(1024 * 1024))),
    "kbit/s kbps": ("megabits/s", (_D("0.001"),)),
    "mbit/s mbps mbit mb/s megabit megabits meg megs": ("megabits/s", (_D(1),)),
    "gbit/s gbps gigabit": ("megabits/s", (_D(1000),)),
    "mg milligram milligrams": ("grams", (_D("0.001"),)),
    "g gram grams gramm gramo gramos": ("grams", (_D(1),)),
    "kg kilo kilos kilogram kilograms kilogramm": ("grams", (_D(1000),)),
    "mm millimetre millimetres": ("millimetres", (_D(1),)),
    "cm centimetre centimetres zentimeter": ("millimetres", (_D(10),)),
    "m metre metres meter meters metro metros": ("millimetres", (_D(1000),)),
    "km kilometre kilometres kilometer kilometers": ("millimetres", (_D(1_000_000),)),
    "inch inches zoll pulgadas": ("inches", (_D(1),)),
    "m² m2 sqm": ("m²", (_D(1),)),
    "w watt watts": ("watts", (_D(1),)),
    "mah": ("mah", (_D(1),)),
    "ah": ("mah", (_D(1000),)),
    "mp megapixel megapixels": ("megapixels", (_D(1),)),
    "mhz": ("megahertz", (_D(1),)),
    "ghz": ("megahertz", (_D(1000),)),
    "v volt volts": ("volts", (_D(1),)),
    "l litre litres liter liters": ("litres", (_D(1),)),
    "°c °": ("degrees", (_D(1),)),
    "times x mal veces": ("times", (_D(1),)),
}
_OF_TWO_WORDS: Final = {
    "square metres": "m²",
    "square meters": "m²",
    "megabits per second": "mbit/s",
    "mbit per second": "mbit/s",
}
UNITS: Final[dict[str, tuple[Dimension, tuple[Decimal, ...]]]] = {
    name: unit for names, unit in _WRITTEN.items() for name in names.split()
}
UNITS.update({name: UNITS[short] for name, short in _OF_TWO_WORDS.items()})
"""By each way to write it, in lower case: what it measures, and how much of that one is."""

_LONGEST_FIRST = sorted(UNITS, key=len, reverse=True)
UNIT_PATTERN: Final = (
    r"[ -]?(?:(?:working|business|full|calendar|more|further|whole|volle|weitere|weiteren|ganze)[ -])?"
    r"(?:" + "|".join(re.escape(name) for name in _LONGEST_FIRST) + r")(?![\w/²])(?:[ ](?:hábiles|laborables))?"
)
"""What may follow a number, as a regular expression for `re.IGNORECASE`."""
LAST_NAME: Final = re.compile(
    r"(" + "|".join(re.escape(name) for name in _LONGEST_FIRST) + r")(?: hábiles| laborables)?$", re.IGNORECASE
)


def unit_of(written: str) -> tuple[Dimension, tuple[Decimal, ...]] | None:
    """What the end of `written` measures: of ' working days' the days; None where it ends in no unit."""
    match = LAST_NAME.search(written)
    return UNITS[match[1].lower()] if match else None

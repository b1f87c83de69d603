"""Takes personal data out of a text that people will read for other purposes than answering: addresses, numbers, names.

By patterns, in linear time. Numbers are found surely; names where somebody gives or signs one, and full names. A first name
alone in the middle of a sentence is missed. Amounts of money, dates and short numbers stay: they say what it is about.
"""

import re
from collections.abc import Collection

TEXT_CHARACTERS_MAX = 20_000
MARKS = ("[email]", "[account]", "[id]", "[postcode]", "[address]", "[number]", "[name]")
"""What stands where something was taken out."""

_NAME = r"(?-i:[A-Z][a-z'’-]{1,30}(?:[ -][A-Z][a-z'’-]{1,30}){0,3})"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,32}){1,5}", "[email]"),
        (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b(?=[^a-z]|$)", "[account]"),
        (r"\b[A-Z]{1,6}[-_/]\d[\w/-]{3,30}", "[id]"),
        (r"\b(?=[A-Z0-9]{5,40}\b)(?=[A-Z]{0,39}\d)(?=[0-9]{0,39}[A-Z])(?:[A-Z]{0,4}\d{4,36}|\d{2,20}[A-Z]\w{2,18})\b", "[id]"),
        (r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b", "[postcode]"),
        (
            r"\b\d{1,4}[a-z]?,? (?-i:(?:[A-Z][a-z'’-]{1,20} ){1,3})(?:street|st|road|rd|avenue|ave|lane|ln|drive|close|court|square|"
            r"place|terrace|gardens|way|crescent|boulevard|blvd)\b\.?",
            "[address]",
        ),
        (r"(?<![\w£$€.,-])\+?\(?\d(?:[ ().-]{0,2}\d){6,18}(?![\w%])", "[number]"),
        (r"(?<![\w£$€.,-])\d{5,20}(?![\w%])", "[number]"),
        (rf"(?<=\bmy name is )\s{{0,2}}{_NAME}|(?<=\bmy name's ){_NAME}|(?<=\bi am called ){_NAME}|(?<=\bname: ){_NAME}", "[name]"),
        (rf"(?<=\bthis is ){_NAME}(?= (?:here|speaking|from|again|writing)\b|[,.!]|$)", "[name]"),
        (rf"(?<=\bi'm ){_NAME}(?=[,.!]|$| (?:and|from|here)\b)|(?<=\bi am ){_NAME}(?=[,.!]|$| (?:and|from|here)\b)", "[name]"),
        (rf"(?<=\bregards,)\s{{1,3}}{_NAME}|(?<=\bthanks,)\s{{1,3}}{_NAME}|(?<=\bcheers,)\s{{1,3}}{_NAME}", " [name]"),
        (rf"(?<=\bdear ){_NAME}|(?<=\bmr )\s?{_NAME}|(?<=\bmr\. ){_NAME}|(?<=\bmrs )\s?{_NAME}|(?<=\bms ){_NAME}|(?<=\bdr ){_NAME}", "[name]"),
    )
)  # fmt: skip
_FULL_NAME = re.compile(
    r"\b(?!(?:The|An?|My|Your|Our|This|That|These|In|On|At|For|From|To|And|But|Or|If|Is|Are|Do|Does|Can|Could|Will|Would|How|"
    r"What|When|Why|Where|Which|Who|Please|Hello|Hi|Hey|Thanks|Thank|After|Before|Since|Then|With|By|It|We|You|They|No|Yes)\b)"
    r"[A-Z][a-z'’-]{1,30}(?: [A-Z]\.)?(?: [A-Z][a-z'’-]{1,30}){1,3}\b"
)
"""Two and more words with capitals: a person's name, as often as not. Of a sentence's first word nothing is known."""
_KEPT_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{4}")


def redacted(text: str, known: Collection[str] = (), *, public: str = "") -> str:
    """The first `TEXT_CHARACTERS_MAX` characters of `text` without personal data, and without the words of `known`.

    What looks like a full name stays where `public` has it: a text of ours, with the names of products.
    """
    text = text[:TEXT_CHARACTERS_MAX]
    for pattern, instead in _PATTERNS:
        text = pattern.sub(lambda found, instead=instead: found[0] if _KEPT_DATE.fullmatch(found[0]) else instead, text)
    text = _FULL_NAME.sub(lambda found: found[0] if found[0] in public else "[name]", text)
    for word in known:
        if word:
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "[name]", text, flags=re.IGNORECASE)
    return text

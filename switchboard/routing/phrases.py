"""What a message is by its words alone: a greeting, a yes, a bare detail. Pure; no agent's domain is known here."""

import re
from typing import Literal

from switchboard.text.spaces import collapsed
from switchboard.text.words import content_stems

TEXT_CHARACTERS_MAX = 1_000
WORDS_REPLY_MAX = 8
WORDS_DETAIL_MAX = 5
NAME_WORDS_MAX = 6
SAID_ALONE_MIN = 3
"""Words with meaning that a part needs beside a pronoun, to be understood without what was said before it."""
PARTS_MAX = 12

SmallTalk = Literal["greeting", "thanks", "farewell", "abilities", "complaint"]

_FILLER = r"(?: (?:there|all|again|everyone|team|guys|folks|bot|mate|assistant|so much|very much|a lot|a bunch|for now|then))*"
_SMALL_TALK: tuple[tuple[SmallTalk, re.Pattern[str]], ...] = (
    (
        "greeting",
        re.compile(
            r"(?:hi+|hello+|hey+|hiya|howdy|yo|greetings|good (?:morning|afternoon|evening|day)|hola|buenos días|buenas(?: tardes)?|"
            r"hallo|guten (?:tag|morgen|abend)|moin|servus|salut|bonjour|bonsoir|ciao|buongiorno|olá|cześć|dzień dobry|"
            rf"merhaba|hej|hoi){_FILLER}"
            r"(?: (?:how are you(?: doing)?(?: today)?|how is it going|how's it going|what's up))?"
            r"|how are you(?: doing)?(?: today)?|how's it going|what's up"
        ),
    ),
    (
        "thanks",
        re.compile(
            rf"(?:ok(?:ay)?|great|perfect|awesome|cool|super|lovely|brilliant|no|that's all|that is all)? ?"
            r"(?:thanks?|thank you|thx|ty|cheers|much appreciated|many thanks|(?:muchas )?gracias|(?:vielen )?dank|"
            rf"danke(?: schön| sehr)?|merci(?: beaucoup| bien)?|grazie(?: mille)?|obrigad[oa]|dzięki|dziękuję){_FILLER}"
            r"(?: (?:for (?:your|the|all your|all the)? ?help|that (?:helps|helped|is all|was helpful)|that's all|bye))*"
            r"|(?:great|perfect|awesome|cool|brilliant|lovely|excellent)"
            r"|(?:great|perfect|ok(?:ay)?|no)? ?(?:that's|that is|that was) all(?: i (?:needed|wanted)(?: to know)?)?(?: thanks?| thank you)?"
            r"|(?:you(?:'ve| have) been|you are|you're|that was|that's) (?:very |so |really |most )?(?:helpful|kind|great)(?: thanks?| thank you)?"
        ),
    ),
    (
        "farewell",
        re.compile(
            r"(?:ok(?:ay)? )?(?:bye+|goodbye|good bye|bye bye|see (?:you|ya)(?: later)?|good ?night|take care|"
            rf"adiós|hasta luego|tschüss|auf wiedersehen|au revoir|arrivederci){_FILLER}"
        ),
    ),
    (
        "abilities",
        re.compile(
            r"(?:what|who) (?:can you do|are you|do you do|can you help(?: me)? with|can i ask(?: you)?)(?: for me)?"
            r"|how can you help(?: me)?|help|help me|can you help(?: me)?|i need (?:some )?help|are you (?:a bot|human|an ai)"
        ),
    ),
)
_YES = re.compile(
    r"(?:y|yes|yeah|yep|yup|ya|sí|ja|oui|tak|sim|sure|go on(?: then)?|ok|okay|please|please do|go ahead|do it|do that|sounds good|of course|absolutely|"
    r"definitely|correct|right|exactly|that's right|that is right|great|perfect|fine|alright|i do|i would|why not|"
    r"that would be (?:great|good|nice|lovely))\b"
)
_NO = re.compile(
    r"(?:n|no|nein|non|nie|nope|nah|not now|no need|never ?mind|don't|do not|cancel|stop|not yet|not really|i'm good|neither)\b"
)
_DETAIL = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|yesterday|tomorrow|"
    r"(?:last|this|next) (?:week|month|year|one)|(?:the )?(?:first|second|third|last|latest|newest|oldest|other|former|latter)"
    r"(?: one)?|both|all of (?:it|them))\b|\d",
    re.IGNORECASE,
)
_ANAPHORA = re.compile(
    r"^(?:and|what about|how about|also|but|so|then|why|why not|how|how so|when|which|which one|really|more|tell me more|"
    r"go on|continue|what else|still|it|its|it's|that|that's|this|those|these|they|them|he|she|the (?:same|other|first|second|last))\b",
    re.IGNORECASE,
)
_HUMAN = (
    r"(?:(?:real |live |actual |living )?(?:human(?: being)?|person|people|operator|representative|rep|employee|advis[eo]r|"
    r"manager|staff|supervisor|colleague)|(?:real|live|human) (?:agent|one)|someone real|somebody real)\b"
)
_PERSON = re.compile(
    rf"\b(?:talk|speak|chat|connect|transfer|put|pass|escalate)\b.{{0,30}}\b{_HUMAN}"
    rf"|\b(?:want|need|get|give)(?: me| us)?(?: to)?(?: an?| the| some| your)? {_HUMAN}"
    r"|\b(?:talk|speak|chat) (?:to|with) (?:some(?:one|body)|an agent|your (?:team|boss))\b"
    r"|\b(?:connect|transfer|get|give) me (?:with |to )?an? agent\b"
    r"|\b(?:put|pass) (?:me|us) (?:through|thru|on|over) to (?:some(?:one|body)|an agent|your (?:team|boss|manager))\b"
    r"|^(?:a |an )?(?:real |live )?(?:human(?: being)?|person|operator|representative|live agent|real agent)(?: please| now)?$"
    r"|\b(?:hablar con (?:una persona|un agente|un humano|alguien)|mit (?:einem|einer) (?:menschen|mitarbeiter(?:in)?|person) "
    r"(?:sprechen|reden)|parler (?:à|avec) (?:un|une) (?:conseiller|conseillère|humain|personne|agent)|"
    r"parlare con (?:una persona|un operatore)|falar com (?:uma pessoa|um atendente))\b"
)
_BACK = re.compile(r"^(?:it|it's|its|that's|they|them|one|both|he|she|him|her)\b", re.IGNORECASE)
_BARE_YES_OR_NO = re.compile(rf"(?:{_YES.pattern}|{_NO.pattern})(?: (?:please|thanks|thank you|then))?")
_NUMBER = r"(?:(?<=\s)|^)\(?(?:[1-9]|[a-d]|i{1,3}|iv)[).](?=\s)"
"""Of an item in a list: "1.", "b)", "(ii)"."""
_BREAK = re.compile(
    rf"(?<=[.!?;:]) |{_NUMBER}| (?:\+|--) | ?,? (?:and separately|separately|and also|and then|and|also|plus|but also|but|as well as|oh and|besides|then|n|"
    r"(?:and )?while you(?:'re| are) at it|und|et|y|e) | ?[,;] ?| [-–—] |\n",
    re.IGNORECASE,
)
"""Of a text with single spaces, its lines each by itself."""
_SENTENCE_BREAK = re.compile(rf"(?<=[.!?;:]) |{_NUMBER}|,? and separately,? |\n", re.IGNORECASE)
_ANNOUNCES = re.compile(
    r"\b(?:two|2|three|3|both|several|(?:a )?(?:couple|few)(?: of)?) (?:\w+ )?(?:things?|matters?|questions?|points?|items?|orders?|answers?|bits)\b"
    r"|\b(?:the other|one more|another|second) (?:thing|question|matter|point)\b|\b(?:quick double|bits and bobs)\b|\bunrelated\b"
    r"|\b(?:separately|also|plus|besides|as well as|while (?:i have you|you(?:'re| are) (?:at it|there)))\b|\+"
    r"|\b(?:zwei|zwo|mehrere) (?:dinge|fragen|sachen|anliegen)\b|\b(?:außerdem|zusätzlich|und auch)\b"
    r"|\bdos (?:cosas|preguntas)\b|\b(?:además|también)\b",
    re.IGNORECASE,
)
_ITEM = re.compile(rf"{_NUMBER}|\b(?:item (?:one|two|three)|first(?:ly)?|second(?:ly)?)\b(?=[:,])", re.IGNORECASE)
_STANDS_FOR = re.compile(
    r"\b(?:it|it's|its|they|them|that|that's|this|those|these|one|he|she|him|es|das|eso|esto)\b", re.IGNORECASE
)
_PUNCTUATION = re.compile(r"[^\w\s'-]|_")


def plain(message: str) -> str:
    """Lower case, straight apostrophes, one space between words, no punctuation around them."""
    return collapsed(_PUNCTUATION.sub(" ", message.lower().replace("’", "'")))


def small_talk(message: str) -> SmallTalk | None:
    """Which small talk the whole message is, if it is nothing else."""
    text = plain(message)
    if len(text) > 80:
        return None
    return next((kind for kind, pattern in _SMALL_TALK if pattern.fullmatch(text)), None)


def asks_for_person(message: str) -> bool:
    """Whether the words ask for a human being."""
    return bool(_PERSON.search(plain(message[:TEXT_CHARACTERS_MAX])))


def is_yes_or_no(message: str) -> bool:
    """A short message that begins with a yes or a no."""
    text = plain(message)
    return len(text.split()) <= WORDS_REPLY_MAX and bool(_YES.match(text) or _NO.match(text))


def is_bare_yes_or_no(message: str) -> bool:
    """Nothing but a yes or a no, so that it means nothing without a question."""
    text = plain(message)
    return _BARE_YES_OR_NO.fullmatch(text) is not None


def is_detail(message: str) -> bool:
    """A reply such as an id, a month, a number, "the last one"."""
    return len(message.split()) <= WORDS_DETAIL_MAX and bool(_DETAIL.search(message))


def leans_on_context(message: str) -> bool:
    """A short message that begins like a continuation: "and the one before?", "what about October?"."""
    return len(message.split()) <= WORDS_REPLY_MAX and bool(_ANAPHORA.match(message.strip()))


def points_back(part: str) -> bool:
    """A part of a message that means something only after the part before: it begins with what stands for something there,
    or holds such a word and hardly another one."""
    said = len(content_stems(part))
    return said < 1 or bool(_BACK.match(part.strip())) or (said < SAID_ALONE_MIN and bool(_STANDS_FOR.search(part)))


def announces_several(message: str) -> bool:
    """Whether the words say that there is more than one matter: "two things", "separately", "1. … 2. …"."""
    text = collapsed(message.replace("’", "'"))
    return bool(_ANNOUNCES.search(text)) or len(_ITEM.findall(text)) > 1


def ends_in_question(text: str) -> bool:
    return text.rstrip().rstrip(")*_\"'”").endswith("?")


def parts_of(message: str) -> list[str]:
    """The message cut at sentence ends, items of a list and conjunctions; where that gives too many parts, not at
    conjunctions; itself alone where that gives one part, or still too many."""
    lines = "\n".join(collapsed(line) for line in message.splitlines())
    for cut in (_BREAK, _SENTENCE_BREAK):
        parts = [part.strip(" ,") for part in cut.split(lines) if part and part.strip(" ,.!?;\n")]
        if 1 < len(parts) <= PARTS_MAX:
            return parts
    return [message]

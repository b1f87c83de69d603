"""Where a conversation stands: yes and no, small talk, an open offer, a question for a detail, a follow-up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal

import orjson

from switchboard.contracts.tools import Offer
from switchboard.models.embedded.answering.composer import offer_of, tool_result_of
from switchboard.models.embedded.completion import CompletionMessage, CompletionRequest
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.tools.profile import Parameter, ToolProfile
from switchboard.text.dates import months_in
from switchboard.text.glossary import in_english, is_foreign
from switchboard.text.sentences import sentences
from switchboard.text.words import words

EARLIER_MAX = 8
_PENDING = re.compile(r"^pending_offer:\s*(\{.*\})\s*$")
_REMEMBERED = re.compile(r"^remembered\b[^{]*:\s*(\{.*\})\s*$")
"""Notes, each a system message of its own: the same words inside another message are somebody's, and mean nothing."""
_COMPARED = re.compile(r"\b(?:than|versus|vs|compared (?:to|with)|against)\b", re.IGNORECASE)
_TODAY = re.compile(r"\btoday(?:'s date)?(?:\s+is|:)\s*(\d{4}-\d{2}-\d{2})", re.IGNORECASE)
_YES = re.compile(
    r"^(?:yes|yeah|yep|yup|ya|sure|sure thing|of course|absolutely|definitely|certainly|please do|go ahead|go for it|do it|do that|"
    r"do so|let's do (?:it|that)|sounds good|that would be (?:great|good|nice|lovely|helpful)|why not|"
    r"i (?:do|would)(?=\W*(?:$|[,.!;:-]|please|thank))|i(?:'d| would) (?:like|love) (?:that|to(?=\W*(?:$|please|thank)))|"
    r"correct|exactly|confirmed?|make it so|that works|works for me)\b",
    re.IGNORECASE,
)
_SOFT_YES = re.compile(
    r"^(?:please|ok|okay|k|alright|all right|fine|right|thanks|thank you|thank u|cheers|then|for me|now|that's (?:fine|ok|right)|"
    r"great|good|perfect|very much|so much|much|it|that|would be (?:great|good|nice)|if you (?:can|could|would)|y)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^(?:no|nope|nah|not now|not yet|not really|no thanks|no thank you|no need|never mind|nevermind|leave it|forget it|don't(?: do (?:it|that))?|"
    r"do not|i'm (?:fine|good|ok)|that's all|nothing else|that is all|stop|cancel that|rather not|i'd rather not)\b",
    re.IGNORECASE,
)
_SOFT_NO = re.compile(
    r"^(?:thanks|thank you|please|it's (?:fine|ok|okay)|that's (?:fine|ok|okay|all)|for now|now|need|i'm (?:fine|good)|bother)\b",
    re.I,
)
_CONDITION = re.compile(r"^If (?:that|this|it)\b[^,]*,\s*")
"""'If that does not help, shall I …?': said or left out."""
_CORRECTS = re.compile(r"\b(?:(?:i )?meant?|scratch that|no wait|not that one|wrong one)\b", re.IGNORECASE)
CORRECTION_WORDS_MAX = 12
_STOP = re.compile(r"(?<=[.!?])\s++|\n++")
_GREETING = re.compile(
    r"^(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings)(?: there| all| team)?[\s!.,]*$", re.I
)
_THANKS = re.compile(
    r"^(?:(?:ok|okay|great|perfect|super|cool|many|lovely|brilliant|no)[, ]+)*(?:thanks|thank you|thx|cheers|ta|appreciated)\b.{0,30}$",
    re.I,
)
_BYE = re.compile(r"^(?:bye|goodbye|see you|that's all|that is all|nothing else)\b.{0,30}$", re.IGNORECASE)
_OFFERED = re.compile(
    r"(?:would you like|shall i|should i|do you want|may i|can i|want me to)\b[^?]*\?\s*$", re.IGNORECASE
)
_OPENS_BACK = re.compile(
    r"^(?:(?:ok|okay|so|yes|no)[, ]+)?(?:and|what about|how about|or|what if|same for|the same for)\b", re.IGNORECASE
)
_POINTS_BACK = re.compile(
    r"\b(?:it|that|this one|that one|them|those|these|the same|the (?:first|second|third|last|other|cheaper|other) one|instead|there)\b",
    re.I,
)
BUT = re.compile(r"^(?:but|just|instead|only)\b[, ]*", re.IGNORECASE)
_COMPLETE = re.compile(
    r"^(?:please |can you |could you )*(?:who|what|which|when|where|why|how|is|are|am|do|does|did|can|could|will|would|should|has|have|may|"
    r"show|tell|give|list|find|check|open|explain|compare|book|cancel|help|run|my|i|i'm|i've|our|we|there|the)\b",
    re.IGNORECASE,
)

Act = Literal["request", "yes", "no", "greeting", "thanks", "bye"]


@dataclass(frozen=True, slots=True)
class Situation:
    message: str
    act: Act
    rest: str
    """What the message says beside its yes or no."""
    today: date
    offer: Offer | None
    """What the assistant's last words offer."""
    asked_before: str
    """The assistant's words just before the message."""
    earlier_user: tuple[str, ...]
    """Newest first."""
    earlier: tuple[str, ...]
    """Of both sides, newest first; then what is remembered of this conversation from before them."""
    elsewhere: tuple[str, ...] = ()
    """What the user named in other conversations, newest first."""
    about: str | None = None
    """The month (`YYYY-MM`) that was spoken of last."""
    earlier_offer: Offer | None = None
    """What was offered before the last words, and neither taken up nor declined."""

    @property
    def offered_tool(self) -> str:
        """Of the open offer or the earlier one; empty where there is none."""
        offer = self.offer or self.earlier_offer
        return offer.tool if offer is not None else ""

    @property
    def was_offered(self) -> bool:
        """The assistant's last words propose something."""
        return _OFFERED.search(self.asked_before) is not None

    @property
    def leans_back(self) -> bool:
        """The message may need what was said before to make sense."""
        return bool(self.earlier_user) and leans_back(self.message)

    @property
    def request_before(self) -> str:
        """The newest earlier user message that makes sense by itself."""
        return next((text for text in self.earlier_user if not leans_back(text)), self.earlier_user[-1])


def leans_back(message: str) -> bool:
    """'And in September?', 'why?', 'the second one': words that continue what was said before."""
    meaningful, length = len(content_stems(message)), len(words(message))
    if length > 12:
        return False
    if length <= 2 or _OPENS_BACK.search(message) is not None:
        return True
    if meaningful <= 2 and _POINTS_BACK.search(message) is not None:
        return True
    return meaningful <= 2 and length <= 5 and _COMPLETE.search(message) is None


def corrects(message: str) -> bool:
    """'Sorry, I meant the other one': the same request, of something else; not where it asks anew."""
    return _CORRECTS.search(message) is not None and len(words(message)) <= CORRECTION_WORDS_MAX and "?" not in message


def asks_more(rest: str) -> bool:
    """Whether what follows a 'no' is a request of its own."""
    meaningful = len(content_stems(rest))
    return meaningful >= 2 or (meaningful == 1 and (BUT.match(rest) is not None or _COMPLETE.match(rest) is not None))


def is_backchannel(message: str) -> bool:
    """Nothing but 'ok', 'right, thanks': it was heard, no more."""
    said_yes, rest = _eaten(message, _YES, _SOFT_YES)
    return not said_yes and not rest


def first_sentence(message: str) -> tuple[str, str]:
    """The first sentence, and the rest, whether it begins with a capital or not."""
    first, *rest = _STOP.split(message.strip(), maxsplit=1)
    return first, rest[0] if rest else ""


def asking_part(message: str) -> str:
    """The sentences of a message that ask; empty where none does."""
    return " ".join(each for each in sentences(message) if each.endswith("?"))


def is_complete(message: str) -> bool:
    """A whole sentence that only points back: 'what colours does it come in?'."""
    return len(words(message)) > 2 and _OPENS_BACK.search(message) is None and _COMPLETE.search(message) is not None


def situation_of(request: CompletionRequest) -> Situation:
    """Reads the conversation up to the last user message."""
    before = request.messages[: request.last_user]
    message = read(request.messages[request.last_user].text.strip())
    spoken = [each for each in reversed(before) if each.role in ("user", "assistant") and each.text.strip()][
        :EARLIER_MAX
    ]
    asked = spoken[0].text.strip() if spoken and spoken[0].role == "assistant" else ""
    act, rest = act_of(message)
    today = today_of(request)
    known, elsewhere = _remembered(request)
    offer = _offer(request, asked)
    told = offer is not None and any(_says(each.text, offer) for each in spoken if each.role == "assistant")
    # In its own words, or as a question where nobody has them: a model may put it differently.
    is_open = offer is not None and (_says(asked, offer) or (asked.endswith("?") and not told))
    return Situation(
        message=message,
        act=act,
        rest=rest,
        today=today,
        offer=offer if is_open else None,
        asked_before=asked,
        earlier_user=tuple(read(each.text) for each in spoken if each.role == "user"),
        earlier=(*(read(each.text) if each.role == "user" else each.text for each in spoken), *known),
        elsewhere=elsewhere,
        about=_month_about(spoken, known, today),
        earlier_offer=offer if told and not is_open else None,
    )


@lru_cache(maxsize=512)
def read(text: str) -> str:
    """What somebody wrote, in English as far as the glossary goes. Cached: the same history comes again with every call."""
    return in_english(text) if is_foreign(text) else text


def _remembered(request: CompletionRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Things named earlier in this conversation, and in others, from the note on what is remembered; newest first."""
    for message in request.messages[: request.last_user]:
        match = _REMEMBERED.match(message.text) if message.role == "system" else None
        if match is None:
            continue
        try:
            note = orjson.loads(match.group(1))
            here, elsewhere = (
                tuple(str(each["value"]) for each in note.get(name) or ()) for name in ("entities", "user_entities")
            )
            return here, elsewhere
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            continue
    return (), ()


def _month_about(spoken: Sequence[CompletionMessage], known: Sequence[str], today: date) -> str | None:
    """The month that the newest message with one is about: not the one it compares with."""
    months = (_first_month(text, today) for text in (*(each.text for each in spoken), *known))
    return next(filter(None, months), None)


@lru_cache(maxsize=512)
def _first_month(text: str, today: date) -> str | None:
    """Cached: the same history comes again with every model call."""
    return next(iter(months_in(_COMPARED.split(text)[0], today)), None)


def act_of(message: str) -> tuple[Act, str]:
    """What a message does, and what of it is left beside that."""
    text = message.strip()
    if _GREETING.match(text):
        return "greeting", ""
    if _THANKS.match(text) and len(words(text)) <= 7 and not _YES.match(text) and not _NO.match(text):
        return "thanks", ""
    said_no, rest = _eaten(text, _NO, _SOFT_NO)
    if said_no and not (rest and len(content_stems(rest)) > 6):
        return "no", rest
    said_yes, rest = _eaten(text, _YES, _SOFT_YES)
    if said_yes:
        return "yes", rest
    if not rest and text:  # only "ok please": a yes where something was offered
        return "yes", ""
    return ("bye", "") if _BYE.match(text) else ("request", text)


def _eaten(text: str, hard: re.Pattern[str], soft: re.Pattern[str]) -> tuple[bool, str]:
    """Whether `text` opens with a hard word, and the text after all such openings."""
    found = False
    rest = text
    for _ in range(8):
        rest = rest.lstrip(" ,.!;:-")
        match = hard.match(rest)
        if match is not None:
            found = True
        else:
            match = soft.match(rest)
        if match is None:
            break
        rest = rest[match.end() :]
    return found, rest.strip(" ,.!;:-")


def today_of(request: CompletionRequest) -> date:
    """The day the system message or a schema's `x-today` states; the clock's where none does."""
    stated = _TODAY.search(request.system)
    candidates = [stated.group(1)] if stated else []
    candidates += [str(tool.parameters.get("x-today")) for tool in request.tools if tool.parameters.get("x-today")]
    for candidate in candidates:
        try:
            return date.fromisoformat(candidate)
        except ValueError:
            continue
    return datetime.now(UTC).date()


def _offer(request: CompletionRequest, asked: str) -> Offer | None:
    """From the pending note; else from the last tool result before the message, where the assistant did ask it."""
    for note in reversed([each.text for each in request.messages if each.role == "system"]):
        match = _PENDING.match(note)
        if match is None:
            continue
        try:
            offer = offer_of(orjson.loads(match.group(1)))
        except orjson.JSONDecodeError:
            continue
        if offer is not None:
            return offer
    for message in reversed(request.messages[: request.last_user]):
        if message.role == "tool":
            offer = tool_result_of("", "", message.text).offer
            if offer is not None and offer.question in asked:
                return offer
    return None


def _says(text: str, offer: Offer) -> bool:
    """Whether a text asks what the offer proposes, with its condition or without."""
    return _CONDITION.sub("", offer.question).casefold() in text.casefold()


@dataclass(frozen=True, slots=True)
class Pending:
    """A question for a missing detail that the assistant asked last."""

    tool: ToolProfile
    parameter: Parameter
    request: str
    """What the user had asked for."""
    replies: tuple[str, ...]
    """Details given since, oldest first, without the message in hand."""


def pending_question(request: CompletionRequest, tools: Sequence[ToolProfile]) -> Pending | None:
    """The missing detail the last assistant message asked for, with the request it belongs to."""
    spoken = [
        each
        for each in request.messages[: request.last_user]
        if each.role in ("user", "assistant") and each.text.strip()
    ]
    found = _asked(spoken[-1].text, tools) if spoken and spoken[-1].role == "assistant" else None
    if found is None:
        return None
    tool, parameter = found
    replies: list[str] = []
    index = len(spoken) - 2
    while index >= 0:
        if spoken[index].role == "user":
            asked = _asked(spoken[index - 1].text, [tool]) if index and spoken[index - 1].role == "assistant" else None
            if asked is None:
                return Pending(tool, parameter, spoken[index].text, tuple(reversed(replies)))
            replies.append(spoken[index].text)
        index -= 1
    return None


def _asked(text: str, tools: Sequence[ToolProfile]) -> tuple[ToolProfile, Parameter] | None:
    closing = " ".join(text.split())
    for tool in tools:
        for parameter in tool.parameters:
            if parameter.required and closing.endswith(" ".join(parameter.question.split())):
                return tool, parameter
    return None

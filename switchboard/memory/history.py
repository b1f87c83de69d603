"""The last messages of a conversation under a budget: the prompt of turn 1000 is no longer than that of turn 5."""

from collections.abc import Sequence
from typing import TypeVar

from switchboard.contracts.turns import HistoryMessage
from switchboard.text.tokens import BYTES_A_TOKEN, estimated_tokens

MESSAGES_MAX = 8
"""Four turns: what the embedded model looks back on, and enough for "yes please" and "and the one before?"."""
TOKENS_MAX = 1_200
MESSAGE_TOKENS_MAX = 500
END_CHARACTERS = 400
"""Kept of a long message's end: there stands the question that the next message replies to."""
CUT = "\n…\n"

Message = TypeVar("Message", bound=HistoryMessage)


def shortened(text: str, tokens_max: int) -> str:
    """`text` in at most `tokens_max` tokens: its start and, where there is room, its end."""
    if estimated_tokens(text) <= tokens_max:
        return text
    bytes_max = tokens_max * BYTES_A_TOKEN
    end = _last(text, min(END_CHARACTERS, bytes_max // 4))
    room = bytes_max - len(end.encode()) - len(CUT.encode())
    if room <= len(end.encode()):
        return _first(text, bytes_max)
    return f"{_first(text, room)}{CUT}{end}"


def bounded(
    messages: Sequence[Message],
    *,
    tokens_max: int = TOKENS_MAX,
    messages_max: int = MESSAGES_MAX,
    message_tokens_max: int = MESSAGE_TOKENS_MAX,
) -> list[Message]:
    """The newest of `messages` (oldest first) that fit; it begins with a user's message where one is among them.

    The newest message is always there. Each is shortened to `message_tokens_max`.
    """
    kept: list[Message] = []
    left = tokens_max
    for message in reversed(messages[-messages_max:] if messages_max else ()):
        text = shortened(message.text, min(message_tokens_max, tokens_max))
        cost = estimated_tokens(text)
        if cost > left:
            break
        left -= cost
        kept.append(message if text == message.text else message.model_copy(update={"text": text}))
    kept.reverse()
    first_user = next((index for index, each in enumerate(kept) if each.role == "user"), 0)
    return kept[first_user:]


def _first(text: str, bytes_max: int) -> str:
    return text.encode()[: max(0, bytes_max)].decode(errors="ignore")


def _last(text: str, bytes_max: int) -> str:
    return text.encode()[-bytes_max:].decode(errors="ignore") if bytes_max > 0 else ""

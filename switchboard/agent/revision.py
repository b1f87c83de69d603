"""What an agent's answers from articles rest on beside its card: a digest that changes when one of these does.

Whoever keeps answers to give them again forgets them with the old digest.
"""

import hashlib
from collections.abc import Iterable
from datetime import date

import orjson

from switchboard.agent.clock import real_clock
from switchboard.agent.prompt import prompt_of
from switchboard.agent.tool import Tool
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.turns import Principal, TurnRequest


def revision_of(card: AgentCard, tools: Iterable[Tool], *, knowledge: str, model: str, today: date) -> str:
    """32 hexadecimal digits. `knowledge` is the live version of the articles, `model` what is behind the card's alias.

    The day is part of it: the prompt tells it, and articles are valid on some days and not on others.
    """
    sample = TurnRequest(
        turn_id="-.1",
        conversation_id="-",
        principal=Principal(tenant="-", user="-"),
        message="-",
        deadline=real_clock(),
    )
    told = [[each.role, each.text] for each in prompt_of(card, sample, None, today)]
    offered = sorted((tool.name, tool.description, orjson.dumps(tool.properties).decode()) for tool in tools)
    return hashlib.sha256(orjson.dumps([told, offered, knowledge, model])).hexdigest()[:32]

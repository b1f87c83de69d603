"""What the tools are for, as words to a user: made of their descriptions."""

import re
from collections.abc import Sequence

from switchboard.models.embedded.phrasing import bare_verb, lower_first
from switchboard.models.embedded.tools.profile import ToolProfile
from switchboard.text.words import join_list

TOOLS_NAMED_MAX = 5
_BRACKETED = re.compile(r" ?\([^()]*+\)")
_OF_THE_CUSTOMER = re.compile(r" of the (?:customer|user)\b")
_THE_CUSTOMERS = re.compile(r"\b[Tt]he (?:customer|user)'s\b")
_THE_CUSTOMER_DOES = re.compile(r"\bthe (?:customer|user) (\w+)")


def able(tools: Sequence[ToolProfile]) -> str:
    """What the tools are for, as one sentence."""
    deeds = [_deed(tool) for tool in tools if not tool.is_search]
    if not deeds:
        return "How can I help you?"
    return f"I can {join_list(deeds[:TOOLS_NAMED_MAX], 'or')}. What would you like to know?"


def _deed(tool: ToolProfile) -> str:
    """'Lists the customer's newest invoices with amount, due date and state.' → 'list your newest invoices'."""
    deed = _BRACKETED.sub("", tool.purpose.rstrip("."))
    before_comma, comma, _ = deed.partition(",")
    deed = (before_comma.partition(" with ")[0] if comma else deed).partition(":")[0]
    deed = _OF_THE_CUSTOMER.sub("", deed)
    deed = _THE_CUSTOMERS.sub("your", deed)
    deed = _THE_CUSTOMER_DOES.sub(lambda match: f"you {bare_verb(match[1])}", deed)
    verb, _, rest = lower_first(deed).partition(" ")
    return f"{bare_verb(verb)} {rest}".strip()


def cannot(tools: Sequence[ToolProfile]) -> str:
    """Declines, and says what can be asked instead."""
    return f"I'm sorry, I cannot help with that. {able(tools)}"

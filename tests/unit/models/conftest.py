"""Made-up tools of several trades: the model must know none of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from switchboard.models import MiniLmEmbedder
from switchboard.models.embedded.completion import CompletionReply, completion_request_of
from switchboard.models.embedded.model import EmbeddedChatModel


def tool(name: str, description: str, required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required or []}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


LIBRARY = [
    tool(
        "list_loans", 'Lists the books the reader has on loan.\n\nExamples: "Which books do I have?"; "Show my loans"'
    ),
    tool(
        "renew_loan",
        'Renews the loan of one book.\n\nExamples: "Renew my book"; "Extend loan LN-1234"; "Can you renew this book?"',
        ["loan_id"],
        loan_id={
            "type": "string",
            "pattern": "^LN-\\d{4}$",
            "description": "The loan's number",
            "x-ask": "Which loan is it? Its number looks like LN-1234.",
        },
    ),
    tool(
        "search_knowledge", "Searches the articles.", ["query"], query={"type": "string", "description": "What to find"}
    ),
]
WEATHER = [
    tool(
        "get_forecast",
        'Tells the weather forecast of a city.\n\nExamples: "What will the weather be in Paris?"; "Will it rain tomorrow?"',
        ["city"],
        city={"type": "string", "description": "The city", "examples": ["Paris"]},
        day={"type": "string", "format": "date", "description": "The day"},
        unit={"type": "string", "enum": ["celsius", "fahrenheit"], "description": "PassageUnit"},
    )
]
PARCELS = [
    tool(
        "track_parcel",
        'Tells where a parcel is.\n\nExamples: "Where is my parcel?"; "Track PX123456"; "Has my package arrived?"',
        ["parcel"],
        parcel={"type": "string", "pattern": "^PX\\d{6}$", "description": "The number of the parcel"},
    ),
    tool(
        "book_pickup",
        'Books the pick-up of a parcel at home.\n\nExamples: "Pick up a parcel at my home"; "Book a pick-up"',
        ["size", "day"],
        size={"type": "string", "enum": ["small", "large"], "x-ask": "Is it a small or a large parcel?"},
        day={"type": "string", "format": "date", "x-ask": "On which day should we come?"},
    ),
    tool("search_knowledge", "Searches the articles.", ["query"], query={"type": "string"}),
]
INVOICES = [
    tool(
        "get_invoice",
        'Shows one invoice.\n\nExamples: "Show me my invoice for October"; "How much is my latest bill?"',
        month={"type": "string", "pattern": "^\\d{4}-\\d{2}$", "description": "The month"},
    ),
    tool(
        "explain_invoice",
        'Explains why an invoice differs from the one before.\n\nExamples: "Why is my bill higher than last month?"',
        month={"type": "string", "pattern": "^\\d{4}-\\d{2}$", "description": "The month"},
    ),
    tool(
        "compare_plans",
        'Compares plans side by side.\n\nExamples: "Compare the Basic and the Plus plan"; "Is Plus better than Max?"',
        ["plans"],
        plans={"type": "array", "items": {"type": "string"}, "minItems": 2, "description": "Names of the plans"},
    ),
]

Ask = Callable[..., Awaitable[CompletionReply]]


@pytest.fixture(scope="session")
def embedder() -> MiniLmEmbedder:
    return MiniLmEmbedder()


@pytest.fixture(scope="session")
def ask(embedder: MiniLmEmbedder) -> Ask:
    """`await ask(tools, "user", "assistant", ..., "user", results=[...], offer={...})`."""
    model = EmbeddedChatModel(embedder)

    async def asked(
        tools: list[dict[str, Any]],
        *turns: str,
        results: list[tuple[str, dict[str, Any], Any]] | None = None,
        offer: dict[str, Any] | None = None,
        remembered: dict[str, Any] | None = None,
        **more: Any,
    ) -> CompletionReply:
        messages: list[dict[str, Any]] = [{"role": "system", "content": "You help readers. Today is 2026-11-15."}]
        if remembered is not None:
            note = f"remembered (facts, no instructions): {orjson.dumps(remembered).decode()}"
            messages.append({"role": "system", "content": note})
        for index, text in enumerate(turns[:-1]):
            messages.append({"role": "assistant" if index % 2 else "user", "content": text})
        if offer is not None:
            messages.append({"role": "system", "content": f"pending_offer: {orjson.dumps(offer).decode()}"})
        messages.append({"role": "user", "content": turns[-1]})
        for index, (name, arguments, result) in enumerate(results or []):
            function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
            call = {"id": f"c{index}", "type": "function", "function": function}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            content = result if isinstance(result, str) else orjson.dumps(result).decode()
            messages.append({"role": "tool", "tool_call_id": f"c{index}", "content": content})
        return await model.complete(completion_request_of({"messages": messages, "tools": tools, **more}))

    return asked

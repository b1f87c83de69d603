"""What a real model is told a turn, in tokens: `python -m bench.model_tokens [--dump FOLDER]`.

Three specialists in this process, against a model that calls what the turn's script says. Every request is counted as the
gateway counts a call whose provider tells no usage: its bytes, four a token. `--dump` writes the requests, to be read.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from services.billing.tools import BillingTools
from services.product.tools import ProductTools
from services.tech.tools import TechTools
from switchboard.agent import Agent
from switchboard.contracts.turns import HistoryMessage
from switchboard.testing.agent import AgentProbe
from switchboard.text.tokens import tokens_of_bytes

SERVICES = Path(__file__).resolve().parents[1] / "services"
TOOLS = {"billing": BillingTools.open, "product": ProductTools.open, "tech": TechTools.open}
TODAY = date(2026, 11, 15)


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """A message, what the model calls for it, one request after the other, and what was said before."""

    agent: str
    message: str
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    answer: str = "Here is what I found."
    history: Sequence[HistoryMessage] = field(default_factory=tuple)


def _said(*texts: str) -> tuple[HistoryMessage, ...]:
    return tuple(
        HistoryMessage(role="assistant" if number % 2 else "user", text=text) for number, text in enumerate(texts)
    )


TURNS = (
    ScriptedTurn("billing", "What do I owe you this month?", [("get_invoice", {})]),
    ScriptedTurn("billing", "Why so much more than in October?", [("explain_invoice", {})]),
    ScriptedTurn("billing", "The last few bills, please.", [("list_invoices", {"count": 6})]),
    ScriptedTurn("billing", "Something was taken twice.", [("find_duplicate_payments", {})]),
    ScriptedTurn(
        "billing",
        "Go ahead.",
        [("request_refund", {"payment_id": "PAY-106483"})],
        history=_said("Something was taken twice.", "PAY-106483 is the duplicate. Shall I request its refund?"),
    ),
    ScriptedTurn("billing", "How do refunds work?", [("search_knowledge", {"query": "How do refunds work?"})]),
    ScriptedTurn("billing", "Thank you!"),
    ScriptedTurn("tech", "My router blinks red.", [("search_knowledge", {"query": "router blinks red"})]),
    ScriptedTurn("tech", "Is my line all right?", [("run_line_diagnostics", {})]),
    ScriptedTurn("tech", "Which router do I have?", [("list_devices", {})]),
    ScriptedTurn("tech", "Any news about my tickets?", [("list_tickets", {})]),
    ScriptedTurn(
        "product", "A phone for under 300 pounds?", [("search_products", {"query": "phone", "price_max": 300})]
    ),
    ScriptedTurn(
        "product",
        "How do the two differ?",
        [("compare_products", {"products": ["Kestrel 12", "Lumen X5"]})],
        history=_said("Tell me of the Kestrel 12 and the Lumen X5.", "Both are on sale. Shall I compare them?"),
    ),
    ScriptedTurn("product", "What does the Kestrel 12 weigh?", [("product_spec", {"product": "Kestrel 12"})]),
    ScriptedTurn("product", "A plan with 30 GB?", [("plan_advice", {"data_gb": 30, "kind": "mobile"})]),
    ScriptedTurn("product", "How do I return a phone?", [("search_knowledge", {"query": "return a phone"})]),
)


async def measured(dump: Path | None) -> dict[str, Any]:
    """Mean tokens a turn: all that is sent, of that the tools, and the model calls; by agent and of all."""
    counted: list[tuple[str, int, int, int]] = []
    for agent_id in TOOLS:
        with tempfile.TemporaryDirectory() as folder:
            agent = Agent(SERVICES / agent_id, tools=TOOLS[agent_id])
            async with AgentProbe(agent, data_dir=Path(folder), today=TODAY) as probe:
                for number, turn in enumerate(each for each in TURNS if each.agent == agent_id):
                    counted.append((agent_id, *await _turn(probe, turn, number, dump)))
    means = {agent_id: _means([each[1:] for each in counted if each[0] == agent_id]) for agent_id in TOOLS}
    return {"turns": len(counted), "all": _means([each[1:] for each in counted]), **means}


async def _turn(probe: AgentProbe, turn: ScriptedTurn, number: int, dump: Path | None) -> tuple[int, int, int]:
    probe.model.requests.clear()
    calls = [{"tool_calls": [{"name": name, "arguments": dict(arguments)}]} for name, arguments in turn.calls]
    probe.script(*calls, {"text": turn.answer})
    await probe.ask(turn.message, history=turn.history)
    bodies = [request["body"] for request in probe.model.requests]
    if dump is not None:
        _dump(dump, f"{turn.agent}-{number}", bodies)
    sent = sum(tokens_of_bytes(len(orjson.dumps(body))) for body in bodies)
    tools = sum(tokens_of_bytes(len(orjson.dumps(body.get("tools") or []))) for body in bodies)
    return sent, tools, len(bodies)


def _dump(folder: Path, name: str, bodies: Sequence[Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for step, body in enumerate(bodies):
        (folder / f"{name}-{step}.json").write_text(json.dumps(body, indent=1, ensure_ascii=False))


def _means(rows: Sequence[Sequence[int]]) -> dict[str, float]:
    names = ("prompt_tokens", "of_tools", "model_calls")
    return {
        name: round(sum(values) / len(rows), 1) for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }


def main(dump: Annotated[Path | None, typer.Option(help="Where to write every request.")] = None) -> None:
    json.dump(asyncio.run(measured(dump)), sys.stdout, indent=2)


if __name__ == "__main__":
    typer.run(main)

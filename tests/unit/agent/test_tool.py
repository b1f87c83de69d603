"""What the model sees of a tool, and what happens to its arguments."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from switchboard.agent import ToolContext, tool
from switchboard.agent.tool import build_tool, tools_of
from switchboard.contracts.errors import BadConfiguration, ModelRetry
from switchboard.contracts.tools import ToolOutcome


class Address(BaseModel):
    town: str
    street: str | None = None


class Desk:
    @tool
    async def get_invoice(
        self,
        ctx: ToolContext,
        month: Annotated[
            str,
            Field(
                description="The invoice's month",
                pattern=r"^\d{4}-\d{2}$",
                examples=["2026-11"],
                json_schema_extra={"x-ask": "Which month do you mean?"},
            ),
        ],
        kind: Literal["short", "full"] = "short",
        note: Annotated[str | None, Field(max_length=10)] = None,
        address: Address | None = None,
    ) -> ToolOutcome:
        """Look up an invoice.

        Examples: "Show my bill"; "My last invoice"
        """
        return ToolOutcome(facts=[f"{month} {kind} {note} {address.town if address else ''}"])

    async def not_a_tool(self) -> None: ...


def test_the_schema_is_the_signature_without_the_context() -> None:
    (built,) = tools_of(Desk())

    assert built.name == "get_invoice"
    assert built.description.endswith('Examples: "Show my bill"; "My last invoice"')
    assert built.required == {"month"}
    assert built.properties["month"] == {
        "type": "string",
        "description": "The invoice's month",
        "pattern": r"^\d{4}-\d{2}$",
        "examples": ["2026-11"],
        "x-ask": "Which month do you mean?",
    }
    assert built.properties["kind"] == {"type": "string", "enum": ["short", "full"], "default": "short"}
    assert built.properties["note"] == {"type": "string", "maxLength": 10}
    assert built.properties["address"] == {
        "type": "object",
        "properties": {"town": {"type": "string"}, "street": {"type": "string"}},
        "required": ["town"],
    }


def test_valid_arguments_become_python_values() -> None:
    (built,) = tools_of(Desk())
    values = built.validate({"month": "2026-11", "address": {"town": "Leeds"}})
    assert values == {"month": "2026-11", "kind": "short", "note": None, "address": Address(town="Leeds")}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({}, "month"), ({"month": "November"}, "month"), ({"month": "2026-11", "tenant": "x"}, "tenant")],
)
def test_wrong_arguments_are_told_to_the_model_by_name(arguments: dict[str, str], named: str) -> None:
    (built,) = tools_of(Desk())
    with pytest.raises(ModelRetry, match=named):
        built.validate(arguments)


def test_a_tool_without_a_docstring_context_or_types_is_refused() -> None:
    async def silent(ctx: ToolContext) -> ToolOutcome:
        return ToolOutcome()

    async def without_context(month: str) -> ToolOutcome:
        """Looks up."""
        return ToolOutcome()

    async def untyped(ctx: ToolContext, month) -> ToolOutcome:  # type: ignore[no-untyped-def]
        """Looks up."""
        return ToolOutcome()

    for wrong, reason in [(silent, "docstring"), (without_context, "ToolContext"), (untyped, "type")]:
        with pytest.raises(BadConfiguration, match=reason):
            build_tool(wrong)

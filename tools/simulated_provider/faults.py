"""What goes wrong at a simulated provider, by rule."""

import random
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RULES_MAX = 100


class Fault(BaseModel):
    """A rule. The first that fits a request applies.

    `status` answers it (429 with `retry_after_s`; `body` instead of the usual error), `hang` never answers, `cut` breaks the stream off after `after_tokens`,
    `drip` waits `delay_ms` before each token, `malformed` sends JSON that is none after `after_tokens`.
    """

    model_config = ConfigDict(extra="forbid")
    kind: Literal["status", "hang", "cut", "drip", "malformed"]
    status: Annotated[int, Field(ge=400, le=599)] = 500
    retry_after_s: float | None = None
    body: dict[str, Any] | None = None
    after_tokens: Annotated[int, Field(ge=0)] = 0
    delay_ms: Annotated[float, Field(ge=0)] = 1_000.0
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the requests that fit, at random."""
    times: Annotated[int, Field(ge=1)] | None = None
    """How often it applies before it is used up; None: always."""
    model: str | None = None
    contains: str | None = None
    """Only requests whose last message contains this."""


class FaultRules(BaseModel):
    model_config = ConfigDict(extra="forbid")
    faults: list[Fault] = Field(default_factory=list[Fault], max_length=RULES_MAX)


class Faults:
    """The rules in force. They may be replaced at any time."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._rules: list[Fault] = []
        self._left: list[int | None] = []

    def replace(self, rules: FaultRules) -> None:
        self._rules = list(rules.faults)
        self._left = [rule.times for rule in self._rules]

    def snapshot(self) -> list[dict[str, Any]]:
        """As they were set, with how often each still applies."""
        return [{**rule.model_dump(), "times_left": left} for rule, left in zip(self._rules, self._left, strict=True)]

    def of(self, body: Mapping[str, Any]) -> Fault | None:
        """The fault of a request; it is counted."""
        for index, rule in enumerate(self._rules):
            left = self._left[index]
            if left == 0 or not _fits(rule, body) or self._chance.random() >= rule.share:
                continue
            self._left[index] = None if left is None else left - 1
            return rule
        return None


def _fits(rule: Fault, body: Mapping[str, Any]) -> bool:
    if rule.model is not None and body.get("model") != rule.model:
        return False
    return rule.contains is None or rule.contains in last_text(body)


def last_text(body: Mapping[str, Any]) -> str:
    """The text of the last message, or of the input."""
    messages = body.get("messages") or [{"content": body.get("input")}]
    content = messages[-1].get("content")
    return content if isinstance(content, str) else str(content or "")

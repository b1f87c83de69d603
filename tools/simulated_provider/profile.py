"""How a simulated model answers: how fast, how much, and what a script makes it say."""

import math
import random
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

STEPS_MAX = 1_000


class Distribution(BaseModel):
    """A log-normal one, as latencies are: half of the values lie below `median`; `sigma` 0 gives always the median."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    median: Annotated[float, Field(ge=0)]
    sigma: Annotated[float, Field(ge=0, le=3)] = 0.0
    max: Annotated[float, Field(ge=0)] = 1e9

    def draw(self, chance: random.Random) -> float:
        if not self.sigma or not self.median:
            return min(self.median, self.max)
        return min(chance.lognormvariate(math.log(self.median), self.sigma), self.max)


class ScriptedCall(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict[str, Any])


class ScriptedStep(BaseModel):
    """One answer. Steps without `when` are used up in order; those with it whenever the last message contains it."""

    model_config = ConfigDict(extra="forbid")
    text: str = ""
    tool_calls: list[ScriptedCall] = Field(default_factory=list[ScriptedCall], max_length=32)
    refusal: str = ""
    """Said in the field that OpenAI has for it."""
    finish_reason: str | None = None
    """Instead of the natural one; empty: the stream ends without one."""
    when: str | None = None


class Profile(BaseModel):
    """Milliseconds to the first token, tokens a second (0: all at once), tokens an answer."""

    model_config = ConfigDict(extra="forbid")
    ttft_ms: Distribution = Distribution(median=0)
    tokens_per_s: Distribution = Distribution(median=0)
    answer_tokens: Distribution = Distribution(median=16, max=100_000)
    cached_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Of the prompt's tokens, told as `cached_tokens`."""
    script: list[ScriptedStep] = Field(default_factory=list[ScriptedStep], max_length=STEPS_MAX)
    seed: int = 1

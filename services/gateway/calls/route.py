"""Where a call went: for the response header `x-switchboard-route` and the span's attributes."""

from dataclasses import dataclass

from opentelemetry.trace import Span

from services.gateway.call import StepName
from services.gateway.policy.catalog import Target
from services.gateway.ports import CacheState

DEPLOYMENT, ATTEMPTS, STEP = "switchboard.route.deployment", "switchboard.route.attempts", "switchboard.route.step"
REGION, ALIAS, CACHE = "switchboard.route.region", "switchboard.route.alias", "switchboard.cache.state"


@dataclass(slots=True)
class CallRoute:
    """Grows while the call finds its way."""

    alias: str
    step: StepName = "primary"
    deployment: str = ""
    region: str = ""
    attempts: int = 0
    cache: CacheState = "off"

    def to(self, target: Target, step: StepName) -> None:
        """One more attempt, at `target`."""
        self.step, self.deployment, self.region = step, target.name, target.deployment.region
        self.attempts += 1

    def answered_by(self, step: StepName, cache: CacheState) -> None:
        """No deployment answered, but we did."""
        self.step, self.deployment, self.region, self.cache = step, "", "", cache

    def header(self) -> str:
        """The value of `x-switchboard-route`."""
        parts = [f"step={self.step}", f"attempts={self.attempts}", f"cache={self.cache}", f"alias={self.alias}"]
        if self.deployment:
            parts.insert(0, f"deployment={self.deployment}")
        if self.region:
            parts.append(f"region={self.region}")
        return "; ".join(parts).encode("ascii", "replace").decode()

    def mark(self, span: Span) -> None:
        """Puts it on the call's span."""
        if not span.is_recording():
            return
        span.set_attributes(
            {
                ALIAS: self.alias,
                STEP: self.step,
                DEPLOYMENT: self.deployment,
                REGION: self.region,
                ATTEMPTS: self.attempts,
                CACHE: self.cache,
            }
        )

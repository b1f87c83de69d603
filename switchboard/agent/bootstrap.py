"""Wires a specialist: sidecar, tools, knowledge, model loop. The one place that knows which adapter stands where."""

import asyncio
import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from switchboard.agent.effects import Effects
from switchboard.agent.pending import PendingOffers
from switchboard.agent.settings import AgentSettings
from switchboard.agent.tool import Tool, tools_of
from switchboard.agent.turn import TurnRunner
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import BadConfiguration
from switchboard.sidecar.ports import Sidecar

if TYPE_CHECKING:
    from switchboard.agent.loop import ModelLoop

logger = logging.getLogger(__name__)

ToolsFactory = Callable[[AgentSettings], Any]


@dataclass
class Specialist:
    """A running specialist: what its routes use. `runner` is there once it is ready."""

    card: AgentCard
    settings: AgentSettings
    sidecar: Sidecar
    effects: Effects
    runner: TurnRunner | None = None
    loop: "ModelLoop | None" = None
    holder: Any = None
    problems: list[str] = field(default_factory=list)

    async def open(self, folder: Path, factory: ToolsFactory | None) -> None:
        """Opens tools and model client. Raises `BadConfiguration` for a card that names a tool that is not there."""
        await self.sidecar.open()
        # Semantic Kernel takes seconds to import; in a thread, /healthz answers meanwhile.
        loading = asyncio.create_task(asyncio.to_thread(importlib.import_module, "switchboard.agent.loop"))
        self.holder = await asyncio.to_thread(factory, self.settings) if factory is not None else None
        tools = {each.name: each for each in (tools_of(self.holder) if self.holder is not None else [])}
        _check_policies(self.card, tools)
        module = await loading
        self.loop = module.ModelLoop(self.card, tools.values(), base_url=self.settings.model_base_url)
        self.runner = TurnRunner(
            self.card,
            tools,
            self.loop,
            self.effects,
            PendingOffers(self.sidecar.state, self.card.id),
            today=lambda: self.settings.demo_today,
        )

    async def close(self) -> None:
        await self.effects.close()
        if self.loop is not None:
            await self.loop.close()
        closing = getattr(self.holder, "close", None)
        if closing is not None:
            closed = closing()
            if asyncio.iscoroutine(closed):
                await closed
        await self.sidecar.close()


def build(card: AgentCard, settings: AgentSettings, sidecar: Sidecar | None) -> Specialist:
    """A specialist that is not open yet; `sidecar` None means the real one."""
    if sidecar is None:
        from switchboard.sidecar.dapr import DaprSidecar

        sidecar = DaprSidecar(http_port=settings.dapr_http_port, grpc_port=settings.dapr_grpc_port)
    return Specialist(card, settings, sidecar, Effects(sidecar.state, lease_s=card.limits.seconds))


def _check_policies(card: AgentCard, tools: Mapping[str, Tool]) -> None:
    unknown = sorted(set(card.tools) - set(tools))
    if unknown:
        raise BadConfiguration(f"The card of {card.id} has a policy for {', '.join(unknown)}, but there is no such tool.")

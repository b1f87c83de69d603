"""Wires a specialist: sidecar, tools, knowledge, model loop. The one place that knows which adapter stands where."""

import asyncio
import inspect
import logging
import uuid
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from switchboard.agent.effects import Effects
from switchboard.agent.kernel import import_loop
from switchboard.agent.pending import PendingOffers
from switchboard.agent.revision import revision_of
from switchboard.agent.settings import AgentSettings
from switchboard.agent.tool import Tool, tools_of
from switchboard.agent.topics import topics_of, with_vectors
from switchboard.agent.turn import TurnRunner
from switchboard.agent.utterances import read_utterances
from switchboard.contracts.agent_topics import AgentTopics
from switchboard.contracts.cards import AgentCard, AgentRegistration
from switchboard.contracts.errors import BadConfiguration, SwitchboardError, Unavailable
from switchboard.models.caller import Caller
from switchboard.models.gateway import GatewayClient, GatewayEmbedder
from switchboard.sidecar.agent_topics import AgentTopicsStore
from switchboard.sidecar.ports import Sidecar
from switchboard.sidecar.registry import AgentRegistry

if TYPE_CHECKING:
    from switchboard.agent.loop import ModelLoop
    from switchboard.knowledge import KnowledgeBase
    from switchboard.knowledge.indexes.port import KnowledgeIndex

logger = logging.getLogger(__name__)

START_WAIT_S = 60.0
"""After this an agent serves with a search by words only, and routed to by its card alone, and goes on trying."""
WARM_UP_S = 20.0
KNOWLEDGE_RETRY_S = (0.25, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts; the last one repeats."""
TOPICS_CHECK_S = 60.0
"""A store that lost its records gets the registration back with the next heartbeat, and the topics after this."""

REVISION_CHECK_S = 5.0
"""So much later than a new version of the articles went live, answers that were kept with the old one may still be given."""

ToolsFactory = Callable[[AgentSettings], Any]


class Specialist:
    """A specialist's parts and their lifecycle. `runner` and `knowledge` are there once it is open."""

    def __init__(self, card: AgentCard, folder: Path, settings: AgentSettings, sidecar: Sidecar) -> None:
        self.card = card
        self.settings = settings
        self.sidecar = sidecar
        self.runner: TurnRunner | None = None
        self.knowledge: KnowledgeBase | None = None
        self.serving = False
        self._folder = folder
        self._topics = AgentTopics()
        self._effects = Effects(sidecar.state, lease_s=card.limits.seconds)
        self._holder: Any = None
        self._tools: dict[str, Tool] = {}
        self._gateway = GatewayClient(
            settings.model_base_url, timeout_s=card.limits.seconds, api_token=settings.dapr_api_token
        )
        self._loop: ModelLoop | None = None
        self._registry: AgentRegistry | None = None
        self._background: set[asyncio.Task[None]] = set()

    async def open(self, factory: ToolsFactory | None) -> None:
        """Opens everything, then registers as soon as the knowledge is indexed. Raises `BadConfiguration`."""
        await self.sidecar.open()
        # Semantic Kernel takes its time to import; tools and articles open meanwhile.
        loading = asyncio.create_task(asyncio.to_thread(import_loop))
        self._holder = await asyncio.to_thread(factory, self.settings) if factory is not None else None
        tools = {each.name: each for each in (tools_of(self._holder) if self._holder is not None else [])}
        _check_policies(self.card, tools)
        self._topics = await asyncio.to_thread(topics_of, self.card, self._folder)
        if self.card.knowledge is not None:
            embedder = GatewayEmbedder(self._gateway, Caller.internal(feature="knowledge", agent=self.card.id))
            self.knowledge = await self._open_knowledge(self.card.knowledge.path, embedder)
            from switchboard.agent.knowledge_tool import knowledge_tool

            search = knowledge_tool(self.card, self.knowledge, embedder, self.settings.clock, self._holder)
            tools[search.name] = search
        self._tools = tools
        utterances = read_utterances(self._folder, tools)
        module = await loading
        loop: ModelLoop = module.ModelLoop(self.card, tools.values(), self._gateway, utterances)
        self._loop = loop
        self.runner = TurnRunner(
            self.card,
            tools,
            loop,
            self._effects,
            PendingOffers(self.sidecar.state, self.card.id),
            clock=self.settings.clock,
            embedder=lambda caller: GatewayEmbedder(self._gateway, caller),
            score_share=self.settings.grounding_score_share,
        )
        self._start(self._serve())

    async def close(self) -> None:
        """Withdraws, lets effects end, closes what `open` opened."""
        self.serving = False
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._registry is not None:
            await self._registry.withdraw()
        await self._effects.close()
        if self.runner is not None:
            await self.runner.close()
        for each in (self._gateway, self.knowledge, self._holder, self.sidecar):
            closing = getattr(each, "close", None)
            if closing is not None and inspect.isawaitable(closed := closing()):
                await closed

    async def checks(self) -> dict[str, bool]:
        """What readiness depends on, by name."""
        return {"agent": self.serving, **await self.sidecar.ready()}

    async def _open_knowledge(self, path: str, embedder: GatewayEmbedder) -> "KnowledgeBase":
        from switchboard.knowledge import KnowledgeBase

        folder = self._folder / path
        if not folder.is_dir():
            raise BadConfiguration(
                f"The card of {self.card.id} names the folder '{path}' for its knowledge: it is not there."
            )
        index = await asyncio.to_thread(_knowledge_index, self.card.id, self.settings)
        return await asyncio.to_thread(KnowledgeBase.over, self.card.id, folder, index, embedder)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _serve(self) -> None:
        """Waits for the knowledge and for the router's topics, within their bound, and registers."""
        registration = AgentRegistration(
            card=self.card, app_id=self.settings.app_id or self.card.id, instance=uuid.uuid4().hex
        )
        self._registry = AgentRegistry(self.sidecar.state, self.sidecar.pubsub, registration)
        starting: set[asyncio.Task[None]] = set()
        if self.knowledge is not None:
            starting.add(self._start(self._index(self.knowledge)))
        if self._topics.texts:
            starting.add(self._start(self._tell(self._registry)))
        if starting:
            _, late = await asyncio.wait(starting, timeout=START_WAIT_S)
            if late:
                logger.warning("Agent %s serves without embeddings: the gateway does not answer yet.", self.card.id)
        self._start(self._revise(self._registry))
        await self._registry.announce()
        self.serving = True
        await self._warm()

    async def _tell(self, registry: AgentRegistry) -> None:
        """Writes what the router learns of this agent, and from then on sees to it that it stands there."""
        embedder = GatewayEmbedder(self._gateway, Caller.internal(feature="routing", agent=self.card.id))
        store = AgentTopicsStore(self.sidecar.state)
        kept = _indexes_dir(self.settings) / f"{self.card.id}.topics"
        attempt = 0
        while True:
            try:
                topics = await with_vectors(self._topics, embedder, kept)
                await store.write(self.card.id, topics)
            except SwitchboardError as error:
                logger.info("The topics of %s are not told yet: %s", self.card.id, error.message)
                await asyncio.sleep(KNOWLEDGE_RETRY_S[min(attempt, len(KNOWLEDGE_RETRY_S) - 1)])
                attempt += 1
            else:
                registry.tell(topics=topics.digest)
                self._start(self._retell(store, topics))
                return

    async def _retell(self, store: AgentTopicsStore, topics: AgentTopics) -> None:
        while True:
            await asyncio.sleep(TOPICS_CHECK_S)
            try:
                if not await store.stands(self.card.id, topics.digest):
                    await store.write(self.card.id, topics)
            except SwitchboardError as error:
                logger.info("The topics of %s could not be looked at: %s", self.card.id, error.message)

    async def _revise(self, registry: AgentRegistry) -> None:
        """Tells, as long as the agent serves, what its answers rest on now. While that cannot be known, what it was."""
        while True:
            try:
                registry.tell(revision=await self._revision())
            except SwitchboardError as error:
                logger.info("What answers of %s rest on could not be looked at: %s", self.card.id, error.message)
            await asyncio.sleep(REVISION_CHECK_S)

    async def _revision(self) -> str:
        """Raises `Unavailable`."""
        model = await self._gateway.model_behind(self.card.model)
        knowledge = await asyncio.to_thread(self.knowledge.version) if self.knowledge is not None else ""
        today = self.settings.clock().date()
        return revision_of(self.card, self._tools.values(), knowledge=knowledge, model=model, today=today)

    async def _warm(self) -> None:
        """Lets the embedded model read the tools before the first customer asks. Whatever goes wrong only costs time."""
        if self._loop is None:
            return
        try:
            async with asyncio.timeout(WARM_UP_S):
                warmed = await self._loop.warm()
        except (Unavailable, TimeoutError) as error:
            logger.info("The model was not warmed for %s: %s", self.card.id, error or "it took too long")
        else:
            if warmed:
                logger.info("The embedded model has read the tools of %s.", self.card.id)

    async def _index(self, knowledge: "KnowledgeBase") -> None:
        attempt = 0
        while True:
            try:
                count = await knowledge.embed()
            except Unavailable as error:
                pause_s = KNOWLEDGE_RETRY_S[min(attempt, len(KNOWLEDGE_RETRY_S) - 1)]
                logger.info("The articles of %s are not embedded yet: %s", self.card.id, error.message)
                attempt += 1
                await asyncio.sleep(pause_s)
            else:
                logger.info("The articles of %s are indexed; %d chunks were new.", self.card.id, count)
                return


def build(card: AgentCard, folder: Path, settings: AgentSettings, sidecar: Sidecar | None) -> Specialist:
    """A specialist that is not open yet; `sidecar` None means the real one."""
    return Specialist(card, folder, settings, sidecar if sidecar is not None else _real_sidecar(settings))


def _knowledge_index(agent_id: str, settings: AgentSettings) -> "KnowledgeIndex":
    """In Cosmos DB where its endpoint is set, else in a file. Raises `Unavailable`."""
    if settings.knowledge_cosmos_endpoint:
        from switchboard.knowledge.indexes.cosmos import opened

        return opened(settings.knowledge_cosmos_endpoint, settings.knowledge_cosmos_database)
    from switchboard.knowledge.indexes.sqlite import SqliteIndex

    return SqliteIndex(_indexes_dir(settings) / f"{agent_id}.sqlite")


def _indexes_dir(settings: AgentSettings) -> Path:
    return settings.knowledge_dir or settings.data_dir / "knowledge"


def _real_sidecar(settings: AgentSettings) -> Sidecar:
    from switchboard.sidecar.dapr import DaprSidecar

    return DaprSidecar(
        http_port=settings.dapr_http_port, grpc_port=settings.dapr_grpc_port, api_token=settings.dapr_api_token
    )


def _check_policies(card: AgentCard, tools: Iterable[str]) -> None:
    from switchboard.agent.knowledge_tool import TOOL_NAME

    unknown = sorted(set(card.tools) - set(tools) - {TOOL_NAME})
    if unknown:
        raise BadConfiguration(
            f"The card of {card.id} has a policy for {', '.join(unknown)}, but there is no such tool."
        )

"""Wires the supervisor: the one place that knows which adapter stands behind which port."""

import asyncio
from dataclasses import dataclass, field

from services.supervisor.api.readiness import Readiness
from services.supervisor.desk.handovers import Handovers
from services.supervisor.feedback.online_evaluation import OnlineEvaluation
from services.supervisor.feedback.rating_index import Ratings
from services.supervisor.feedback.scoreboard import Scoreboard
from services.supervisor.feedback.thumbs import Feedback
from services.supervisor.memory.consent import Memories
from services.supervisor.memory.folding import Remembering
from services.supervisor.memory.summarizer import GatewaySummarizer
from services.supervisor.routing.judge import RoutingJudge
from services.supervisor.routing.router import Router
from services.supervisor.settings import Settings
from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.dispatch import Specialists
from services.supervisor.turns.jobs import Jobs
from services.supervisor.turns.life import Turns
from services.supervisor.turns.publisher import BackgroundPublisher
from switchboard.contracts.cards import AgentRegistration
from switchboard.experiments.assignment import Experiments
from switchboard.identity import ApiKeys
from switchboard.memory.cold import Cold
from switchboard.memory.lease import Lease
from switchboard.memory.mover import LEASE_NAME, LEASE_S, Mover, Policy
from switchboard.memory.shelf import Shelf
from switchboard.memory.tiers import Tiers
from switchboard.models.embedder import Embedder
from switchboard.models.gateway import GatewayClient, url_behind_sidecar
from switchboard.routing.spelling import IsWord, every_word
from switchboard.sidecar.directory import AgentDirectory
from switchboard.sidecar.ports import Sidecar

DAY_S = 86_400
CLOSING_S_MAX = 3.0
"""For turns under way at a shutdown; the server itself gives five."""


@dataclass(frozen=True)
class Supervisor:
    """Everything the routes use. Open it before the first request, close it after the last."""

    settings: Settings
    keys: ApiKeys
    sidecar: Sidecar
    gateway: GatewayClient
    conversations: Conversations
    router: Router
    directory: AgentDirectory
    specialists: Specialists
    turns: Turns
    jobs: Jobs
    handovers: Handovers
    publisher: BackgroundPublisher
    readiness: Readiness
    remembering: Remembering
    memories: Memories
    mover: Mover
    experiments: Experiments
    scoreboard: Scoreboard
    feedback: Feedback
    evaluation: OnlineEvaluation
    background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def open(self) -> None:
        await self.sidecar.open()
        await self.remembering.open()
        self.background.add(asyncio.create_task(self.mover.run()))
        await self.router.learn({})  # loads the embedding model before the first question, not with it
        await self.directory.open()

    async def close(self) -> None:
        await self.directory.close()
        await self.turns.close(CLOSING_S_MAX)
        await self.remembering.close()
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self.evaluation.close()
        await self.publisher.close()
        await self.gateway.close()
        await self.sidecar.close()

    async def registry_changed(self, event: AgentRegistration) -> None:
        """An agent came or went: read the registrations now, not at the next poll."""
        await self.directory.refresh()
        if event.status == "down" and event.card.id not in self.directory.agents:
            await self.router.forget(event.card.id)


def build(settings: Settings, sidecar: Sidecar | None = None, embedder: Embedder | None = None) -> Supervisor:
    """A supervisor that is not open yet. Tests give an in-memory sidecar and a small embedder.

    Raises `BadConfiguration` when the keys file is not right.
    """
    if sidecar is None:
        from switchboard.sidecar.dapr import DaprSidecar

        sidecar = DaprSidecar(http_port=settings.dapr_http_port, grpc_port=settings.dapr_grpc_port)
    is_word: IsWord = every_word
    if embedder is None:
        from switchboard.models import MiniLmEmbedder

        embedder = minilm = MiniLmEmbedder()
        is_word = minilm.is_word
    warm = sidecar.store(settings.warm_store) if settings.warm_store else None
    cold = Cold(sidecar.blobs(settings.cold_store)) if settings.cold_store else None
    tiers = Tiers(sidecar.state, warm, cold)
    policy = Policy(settings.hot_days * DAY_S, settings.warm_days * DAY_S, settings.move_every_s)
    shelf = Shelf(sidecar.state, bucket_s=policy.period_s)
    ratings = Ratings(sidecar.state)
    conversations = Conversations(sidecar.state, tiers, shelf, ratings)
    gateway = GatewayClient(
        url_behind_sidecar(settings.dapr_http_port, settings.gateway_app_id), api_token=settings.dapr_api_token
    )
    remembering = Remembering(
        sidecar.state, tiers, lambda caller: GatewaySummarizer(gateway, settings.summary_model, caller), shelf
    )

    def lease() -> Lease:
        return Lease(sidecar.state, LEASE_NAME, LEASE_S)

    judge = None
    if settings.route_model:
        judge = RoutingJudge(gateway, settings.route_model, seconds_max=settings.route_model_s_max)
    router = Router(embedder, is_word, judge)
    specialists = Specialists(sidecar.invoker)
    publisher = BackgroundPublisher(sidecar.pubsub)
    experiments = Experiments.load(settings.experiments_file)
    scoreboard = Scoreboard(sidecar.state)
    evaluation = OnlineEvaluation(embedder, scoreboard, share=settings.evaluation_share)
    turns = Turns(
        conversations,
        router,
        specialists,
        publisher,
        experiments,
        evaluation,
        turns_max=settings.turns_max,
        turn_s_max=settings.turn_s_max,
        remembering=remembering,
    )
    return Supervisor(
        settings=settings,
        keys=ApiKeys.load(settings.keys_file),
        sidecar=sidecar,
        gateway=gateway,
        conversations=conversations,
        router=router,
        directory=AgentDirectory(sidecar.state, router.learn),
        specialists=specialists,
        turns=turns,
        jobs=Jobs(conversations, router, sidecar.pubsub, publisher, experiments, evaluation, remembering),
        handovers=Handovers(conversations, publisher),
        publisher=publisher,
        readiness=Readiness(sidecar, settings.gateway_app_id),
        remembering=remembering,
        memories=Memories(sidecar.state, tiers, shelf, lease(), conversations, policy.hot_s),
        mover=Mover(shelf, tiers, lease(), policy),
        experiments=experiments,
        scoreboard=scoreboard,
        feedback=Feedback(conversations, ratings, scoreboard),
        evaluation=evaluation,
    )

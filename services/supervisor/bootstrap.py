"""Wires the supervisor: the one place that knows which adapter stands behind which port."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from services.supervisor.caching.answers import AnswerCache, CacheRule
from services.supervisor.caching.entries import StateEntries
from services.supervisor.desk.handover import Handovers
from services.supervisor.feedback.experiment_tallies import ExperimentTallies
from services.supervisor.feedback.online_evaluation import OnlineEvaluation
from services.supervisor.feedback.rating_index import RatingIndex
from services.supervisor.feedback.ratings import Ratings
from services.supervisor.feedback.review import Reviews
from services.supervisor.memory.consolidation import Consolidation
from services.supervisor.memory.deletions import Deletions
from services.supervisor.memory.privacy import MemoryPrivacy
from services.supervisor.memory.summarizer import GatewaySummarizer
from services.supervisor.readiness import ReadinessChecks
from services.supervisor.routing.judge import RoutingJudge
from services.supervisor.routing.router import Router
from services.supervisor.settings import Settings
from services.supervisor.turns.accept import Acceptance
from services.supervisor.turns.answer_cache import TurnAnswers
from services.supervisor.turns.cancellation import Cancellation
from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.dispatch import Specialists
from services.supervisor.turns.effects_told import EffectsTold
from services.supervisor.turns.ending import Ending
from services.supervisor.turns.fair_share import FairShares, Share
from services.supervisor.turns.idempotency import IdempotencyKeys
from services.supervisor.turns.jobs import Jobs
from services.supervisor.turns.life import Turns
from services.supervisor.turns.logs import TurnLogs
from services.supervisor.turns.outbox import Outbox
from services.supervisor.turns.publisher import BackgroundPublisher
from services.supervisor.turns.replicas import sweeper
from services.supervisor.turns.replicas.heartbeat import Replicas
from services.supervisor.turns.replicas.in_hand import Slots
from services.supervisor.turns.replicas.sweeper import Sweeper
from services.supervisor.turns.streams.memory import InMemoryEventStreams
from services.supervisor.turns.streams.port import EventStreams
from services.supervisor.turns.streams.redis import RedisEventStreams
from switchboard.caching.semantic.features import Rarity
from switchboard.caching.semantic.verifier import load
from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.errors import SwitchboardError
from switchboard.experiments.assignment import Experiments
from switchboard.identity import ApiKeys
from switchboard.memory.tiers import mover
from switchboard.memory.tiers.cold import ColdTier
from switchboard.memory.tiers.index import ConversationIndex
from switchboard.memory.tiers.mover import Mover, TierPolicy
from switchboard.memory.tiers.store import TieredStore
from switchboard.models.embedder import Embedder
from switchboard.models.gateway import GatewayClient, url_behind_sidecar
from switchboard.redis.published import RedisPublishedEvents
from switchboard.redis.server import RedisServer
from switchboard.sidecar.agent_topics import AgentTopicsStore
from switchboard.sidecar.directory import AgentDirectory
from switchboard.sidecar.lease import Lease
from switchboard.sidecar.ports import Sidecar
from switchboard.sidecar.published import NothingKept
from switchboard.text.spelling import IsWord, every_word

DAY_S = 86_400


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
    cancellation: Cancellation
    logs: TurnLogs
    answers: AnswerCache
    sockets: FairShares
    """Of open WebSockets."""
    streams: EventStreams
    ending: Ending
    outbox: Outbox
    replicas: Replicas
    sweeper: Sweeper
    jobs: Jobs
    handovers: Handovers
    publisher: BackgroundPublisher
    readiness: ReadinessChecks
    consolidation: Consolidation
    memory_privacy: MemoryPrivacy
    deletions: Deletions
    mover: Mover
    experiments: Experiments
    experiment_tallies: ExperimentTallies
    ratings: Ratings
    reviews: Reviews
    evaluation: OnlineEvaluation
    background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    keeping: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    """Its heartbeat, and what others tell it: until the last turn has ended."""

    async def open(self) -> None:
        await self.sidecar.open()
        await self.consolidation.open()
        self.background.add(asyncio.create_task(self.mover.run()))
        self.background.add(asyncio.create_task(self.keys.watch()))
        await self.router.learn({})  # loads the embedding model before the first question, not with it
        await self.directory.open()
        self.keeping.update(asyncio.create_task(each) for each in (self.sweeper.run(), self.cancellation.listen()))

    def drain(self) -> None:
        """The process is to end: no new turns, and those under way end while their clients can still be told."""
        self.background.add(asyncio.create_task(self._end_turns()))

    async def _end_turns(self) -> None:
        await self.turns.close(self.settings.drain_s, hand_over=self.replicas.others)
        with suppress(SwitchboardError):  # else the others hear it by its silence
            await self.replicas.leave()

    async def close(self) -> None:
        await self.directory.close()
        await self._end_turns()
        await _cancelled(self.keeping)
        await self.deletions.close()
        await self.ending.close()
        await self.logs.close()
        await self.answers.close()
        await self.consolidation.close()
        await _cancelled(self.background)
        await self.evaluation.close()
        await self.publisher.close()
        await self.outbox.close()
        await self.streams.close()
        await self.gateway.close()
        await self.sidecar.close()

    async def registry_changed(self, event: AgentRegistration) -> None:
        """An agent came or went: read the registrations now, not at the next poll."""
        await self.directory.refresh()
        if event.status == "down" and event.card.id not in self.directory.agents:
            await self.router.forget(event.card.id)


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def build(
    settings: Settings,
    sidecar: Sidecar | None = None,
    embedder: Embedder | None = None,
    streams: EventStreams | None = None,
) -> Supervisor:
    """A supervisor that is not open yet. Tests give an in-memory sidecar, a small embedder, and event logs in memory.

    Raises `BadConfiguration` when the keys file is not right.
    """
    if sidecar is None:
        from switchboard.sidecar.dapr import DaprSidecar

        sidecar = DaprSidecar(http_port=settings.dapr_http_port, grpc_port=settings.dapr_grpc_port)
    is_word: IsWord = every_word
    rarity: Rarity = _as_rare_as_any
    if embedder is None:
        from switchboard.models import MiniLmEmbedder

        embedder = minilm = MiniLmEmbedder()
        is_word, rarity = minilm.is_word, minilm.rarity
    warm = sidecar.store(settings.warm_store) if settings.warm_store else None
    cold = ColdTier(sidecar.blobs(settings.cold_store)) if settings.cold_store else None
    tiers = TieredStore(sidecar.state, warm, cold)
    policy = TierPolicy(settings.hot_days * DAY_S, settings.warm_days * DAY_S, settings.move_every_s)
    index = ConversationIndex(sidecar.state, bucket_s=policy.period_s)
    rating_index = RatingIndex(sidecar.state)
    reviews = Reviews(sidecar.state)
    redis = _redis(settings)
    # Without Redis no other replica sees what is said here: a turn that its process leaves ends as interrupted.
    streams = streams or (RedisEventStreams(redis) if redis is not None else InMemoryEventStreams())
    published = RedisPublishedEvents(redis) if redis is not None else NothingKept()
    conversations = Conversations(sidecar.state, tiers, index, rating_index, reviews, published)
    gateway = GatewayClient(
        url_behind_sidecar(settings.dapr_http_port, settings.gateway_app_id), api_token=settings.dapr_api_token
    )
    consolidation = Consolidation(
        sidecar.state, tiers, lambda caller: GatewaySummarizer(gateway, settings.summary_model, caller), index
    )

    def lease(name: str, seconds: int) -> Lease:
        return Lease(sidecar.state, name, seconds)

    judge = None
    if settings.route_model:
        judge = RoutingJudge(gateway, settings.route_model, seconds_max=settings.route_model_s_max)
    router = Router(embedder, is_word, judge, AgentTopicsStore(sidecar.state))
    specialists = Specialists(sidecar.invoker)
    publisher = BackgroundPublisher(sidecar.pubsub)
    experiments = Experiments.load(settings.experiments_file)
    experiment_tallies = ExperimentTallies(sidecar.state)
    evaluation = OnlineEvaluation(embedder, experiment_tallies, share=settings.evaluation_share)
    replicas = Replicas(sidecar.state)
    slots = Slots(replicas.id)
    ending = Ending(conversations)
    acceptance = Acceptance(conversations, IdempotencyKeys(sidecar.state), experiments, slots, ending)
    outbox = Outbox(conversations, publisher, evaluation, consolidation)
    answers = AnswerCache(
        StateEntries(sidecar.state), embedder, lambda: load(lru_cache(maxsize=65_536)(rarity)), _cache_rule(settings)
    )
    share = Share(settings.turns_tenant_max, settings.turns_user_max)
    logs = TurnLogs(conversations, streams, settings.turns_max, FairShares(share))
    turns = Turns(
        acceptance,
        ending,
        router,
        specialists,
        outbox,
        logs,
        TurnAnswers(answers, router),
        EffectsTold(sidecar.state),
        turn_s_max=settings.turn_s_max,
    )
    directory = AgentDirectory(sidecar.state, router.learn)
    cancellation = Cancellation(conversations, turns, logs, streams, replicas.id)
    privacy_lease = lease(mover.LEASE_NAME, mover.LEASE_S)
    privacy = MemoryPrivacy(sidecar.state, tiers, index, privacy_lease, conversations, policy.hot_s)
    deletions = Deletions(sidecar.state, slots, conversations, privacy, cancellation, logs)
    return Supervisor(
        settings=settings,
        keys=ApiKeys.load(settings.keys_file, public=settings.demo),
        sidecar=sidecar,
        gateway=gateway,
        conversations=conversations,
        router=router,
        directory=directory,
        specialists=specialists,
        turns=turns,
        cancellation=cancellation,
        logs=logs,
        answers=answers,
        sockets=FairShares(Share(settings.sockets_tenant_max, settings.turns_user_max)),
        streams=streams,
        ending=ending,
        outbox=outbox,
        replicas=replicas,
        sweeper=Sweeper(
            sidecar.state,
            replicas,
            slots,
            lease(sweeper.LEASE_NAME, sweeper.LEASE_S),
            conversations,
            outbox,
            turns.take_over,
            deletions.take,
            lambda: bool(directory.agents),
        ),
        jobs=Jobs(acceptance, ending, conversations, router, sidecar.pubsub, outbox),
        handovers=Handovers(conversations, publisher),
        publisher=publisher,
        readiness=ReadinessChecks(sidecar, settings.gateway_app_id),
        consolidation=consolidation,
        memory_privacy=privacy,
        deletions=deletions,
        mover=Mover(index, tiers, lease(mover.LEASE_NAME, mover.LEASE_S), policy),
        experiments=experiments,
        experiment_tallies=experiment_tallies,
        ratings=Ratings(sidecar.state, conversations, rating_index, experiment_tallies, answers, reviews),
        reviews=reviews,
        evaluation=evaluation,
    )


def _cache_rule(settings: Settings) -> CacheRule:
    return CacheRule(
        ttl_s=settings.answer_cache_ttl_s,
        threshold=settings.answer_cache_threshold,
        offline_threshold=settings.answer_cache_offline_threshold,
    )


def _as_rare_as_any(word: str) -> float:
    """Where no vocabulary is at hand: in tests, with an embedder of theirs."""
    del word
    return 0.5


def _redis(settings: Settings) -> RedisServer | None:
    if not settings.redis_host:
        return None
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    return RedisServer.at(settings.redis_host, password=password, tls=settings.redis_tls)

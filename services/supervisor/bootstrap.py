"""Wires the supervisor: the one place that knows which adapter stands behind which port."""

from dataclasses import dataclass

from services.supervisor.background import BackgroundPublisher
from services.supervisor.conversations import Conversations
from services.supervisor.dispatch import Specialists
from services.supervisor.feedback import Feedback
from services.supervisor.jobs import Jobs
from services.supervisor.online_evaluation import OnlineEvaluation
from services.supervisor.readiness import Readiness
from services.supervisor.routing import Router
from services.supervisor.scoreboard import Scoreboard
from services.supervisor.settings import Settings
from services.supervisor.turn import Turns
from switchboard.contracts.cards import AgentRegistration
from switchboard.evaluation.experiments import Experiments
from switchboard.models.embedder import Embedder
from switchboard.sidecar.directory import AgentDirectory
from switchboard.sidecar.ports import Sidecar
from switchboard.tenancy import ApiKeys

CLOSING_S_MAX = 3.0
"""For turns under way at a shutdown; the server itself gives five."""


@dataclass(frozen=True)
class Supervisor:
    """Everything the routes use. Open it before the first request, close it after the last."""

    settings: Settings
    keys: ApiKeys
    sidecar: Sidecar
    conversations: Conversations
    router: Router
    directory: AgentDirectory
    specialists: Specialists
    turns: Turns
    jobs: Jobs
    publisher: BackgroundPublisher
    readiness: Readiness
    experiments: Experiments
    scoreboard: Scoreboard
    feedback: Feedback
    evaluation: OnlineEvaluation

    async def open(self) -> None:
        await self.sidecar.open()
        await self.router.learn({})  # loads the embedding model before the first question, not with it
        await self.directory.open()

    async def close(self) -> None:
        await self.directory.close()
        await self.turns.close(CLOSING_S_MAX)
        await self.evaluation.close()
        await self.publisher.close()
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
    if embedder is None:
        from switchboard.models import MiniLmEmbedder

        embedder = MiniLmEmbedder()
    conversations = Conversations(sidecar.state)
    router = Router(embedder)
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
    )
    return Supervisor(
        settings=settings,
        keys=ApiKeys.load(settings.keys_file),
        sidecar=sidecar,
        conversations=conversations,
        router=router,
        directory=AgentDirectory(sidecar.state, router.learn),
        specialists=specialists,
        turns=turns,
        jobs=Jobs(conversations, router, sidecar.pubsub, publisher, experiments, evaluation),
        publisher=publisher,
        readiness=Readiness(sidecar, settings.gateway_app_id),
        experiments=experiments,
        scoreboard=scoreboard,
        feedback=Feedback(conversations, sidecar.state, scoreboard),
        evaluation=evaluation,
    )

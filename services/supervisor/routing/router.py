"""Which agents answer a message: the live registrations, the decision of `switchboard.routing`, and its words.

Cards come and go while it runs; each change fits a new model, swapped in at once.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.supervisor.routing import canned_responses
from services.supervisor.routing.judge import RoutingJudge
from switchboard.contracts.agent_topics import AgentTopics
from switchboard.contracts.cards import AgentCard, AgentRegistration
from switchboard.contracts.errors import NotFound, SwitchboardError, Unavailable
from switchboard.contracts.events import RouteBy
from switchboard.contracts.handover import HandoverReason
from switchboard.models.caller import Caller
from switchboard.models.embedder import Embedder
from switchboard.routing.decision import Context, Route, decide, readable
from switchboard.routing.judgement import Judgement, judged
from switchboard.routing.model import RoutingModel
from switchboard.sidecar.agent_topics import AgentTopicsStore
from switchboard.telemetry import tracer
from switchboard.text.spelling import IsWord, every_word

GONE_S_MAX = 600.0
"""An agent that vanished without saying so is missed this long: its questions get 503, not "out of scope"."""
NEXT_LIKELY_MIN = 0.05
"""Probability of the agent that is asked where the first one does not know."""
REFUSALS_MAX = 2
"""In a row; with this one the conversation goes to a person."""


@dataclass(frozen=True, slots=True)
class Assignment:
    agent: AgentRegistration
    message: str
    """The part of the user's message that is this agent's."""


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Either `assignments`, or `reply`: words of the supervisor itself."""

    by: RouteBy
    assignments: tuple[Assignment, ...] = ()
    next_likely: Assignment | None = None
    """Who is asked where the only agent does not know."""
    scores: dict[str, float] = field(default_factory=dict[str, float])
    """Probability of each agent."""
    reply: str = ""
    why: str = ""
    """A sentence for whoever asks why."""
    hands_over: HandoverReason | None = None
    """Why the conversation goes to a person with this turn, if it does."""
    topic: str = ""
    """What the classifier takes the message for: a skill of the card, a tool, or a section `<article>#<heading>`."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a decision is made with: agents and the model that was fitted on their cards and topics belong together."""

    agents: Mapping[str, AgentRegistration] = field(default_factory=dict[str, AgentRegistration])
    topics: Mapping[str, AgentTopics] = field(default_factory=dict[str, AgentTopics])
    model: RoutingModel | None = None


class Router:
    """Decides for each message. `learn` may run at any time; a decision uses what was known when it began."""

    def __init__(
        self,
        embedder: Embedder,
        is_word: IsWord = every_word,
        judge: RoutingJudge | None = None,
        topics: AgentTopicsStore | None = None,
    ) -> None:
        self._embedder = embedder
        self._is_word = is_word
        self._judge = judge
        self._store = topics
        self._known = _Known()
        self._live: dict[str, AgentRegistration] = {}
        self._gone: dict[str, tuple[AgentRegistration, float]] = {}
        self._learning = asyncio.Lock()

    @property
    def agents(self) -> list[AgentRegistration]:
        """Those live now, by id."""
        return [self._live[agent_id] for agent_id in sorted(self._live)]

    @property
    def known(self) -> Mapping[str, AgentRegistration]:
        """Those that questions are routed to: the live ones, and the missed ones. Replaced when it changes, by id."""
        return self._known.agents

    def readable(self, message: str) -> str:
        """A message as the classifier reads it, and embeds it."""
        model = self._known.model
        return readable(model, message) if model is not None else message

    async def learn(self, agents: Mapping[str, AgentRegistration]) -> None:
        """Takes the agents that are live now, with the topics that they tell.

        Raises `Unavailable` where topics cannot be read: those agents are routed to by what is known of them until the
        next call.
        """
        async with self._learning:
            at = time.monotonic()
            for agent_id, registration in self._live.items():
                if agent_id not in agents:
                    self._gone[agent_id] = (registration, at)
            self._gone = {
                agent_id: gone
                for agent_id, gone in self._gone.items()
                if agent_id not in agents and at - gone[1] <= GONE_S_MAX
            }
            topics, missing = await self._topics_of(dict(agents))
            await self._build(dict(agents), topics)
        if missing:
            raise Unavailable(f"The topics of {', '.join(missing)} cannot be read yet.")

    async def forget(self, agent_id: str) -> None:
        """An agent that left on purpose is not missed."""
        async with self._learning:
            if self._gone.pop(agent_id, None) is not None:
                await self._build(self._live, self._known.topics)

    async def decide(
        self, message: str, context: Context, requested: str | None = None, *, caller: Caller
    ) -> RoutingDecision:
        """`caller` is who a model is asked for where the classifier is unsure.

        Raises `NotFound` for a requested agent that was never here, `Unavailable` for one that is gone.
        """
        with tracer(__name__).start_as_current_span("route") as span:
            started_s = time.perf_counter()
            if context.handed_over:
                decision = RoutingDecision(
                    "person", reply=canned_responses.waiting_for_person(), why="A person has the conversation."
                )
            elif requested is not None:
                decision = RoutingDecision(
                    "request", (self._requested(requested, message),), why="The client named the agent."
                )
            else:
                route, judgement = await self._route(message, context, caller)
                decision = self._decision(route, judgement, context)
                if route.classification is not None:
                    span.set_attribute("route.elsewhere", round(route.classification.elsewhere, 3))
                    span.set_attribute("route.familiarity", round(route.classification.familiarity, 3))
                span.set_attribute("route.classifier", _verdict(route))
                if judgement is not None:
                    span.set_attribute("route.model", judgement.verdict)
            self._check_live(decision)
            span.set_attribute("route.by", decision.by)
            span.set_attribute("route.why", decision.why)
            span.set_attribute("route.agents", [each.agent.card.id for each in decision.assignments])
            span.set_attribute("route.scores", [f"{agent}={score:.3f}" for agent, score in decision.scores.items()])
            span.set_attribute("route.ms", round((time.perf_counter() - started_s) * 1000, 2))
            return decision

    async def _route(self, message: str, context: Context, caller: Caller) -> tuple[Route, Judgement | None]:
        """The route and, where the classifier was unsure, what a model that can judge says of it."""
        model = self._known.model
        if model is None or model.classifier is None:
            raise Unavailable("Nobody can answer at the moment. Please try again shortly.")
        route = await decide(model, message, context)
        if not route.unsure or self._judge is None:
            return route, None
        judgement = await self._judge.judge(message, context, [each.card for each in self.agents], caller)
        return (judged(route, judgement, message, model) if judgement is not None else route), judgement

    def _decision(self, route: Route, judgement: Judgement | None, context: Context) -> RoutingDecision:
        known = self._known.agents
        cards = [each.card for each in self.agents]
        scores = {agent: round(share, 4) for agent, share in route.shares.items()}
        assignments = tuple(Assignment(known[part.agent], part.message) for part in route.parts if part.agent in known)
        by: RouteBy = "model" if route.judged and judgement is not None else route.by
        if route.by == "person":
            return RoutingDecision("person", (), None, scores, canned_responses.handing_over(), route.why, "asked")
        if route.by == "out_of_scope" and context.refusals + 1 >= REFUSALS_MAX:
            why = f"Refused {REFUSALS_MAX} times in a row. {route.why}"
            return RoutingDecision(
                "person", (), None, scores, canned_responses.handing_over(refused=True), why, "refused"
            )
        topic = route.classification.skill if route.classification is not None else ""
        if not assignments:
            return RoutingDecision(by, (), None, scores, _reply(route, known, cards), route.why, topic=topic)
        after = self._next_likely(assignments, scores)
        return RoutingDecision(by, assignments, after, scores, "", route.why, topic=topic)

    def _next_likely(self, assignments: tuple[Assignment, ...], scores: Mapping[str, float]) -> Assignment | None:
        """The likeliest other live agent beside the only one, unless it is most unlikely."""
        first, *more = assignments
        others = [agent for agent in scores if agent != first.agent.card.id and agent in self._live]
        best = max(others, key=scores.__getitem__, default=None)
        if more or best is None or scores[best] < NEXT_LIKELY_MIN:
            return None
        return Assignment(self._live[best], first.message)

    def _requested(self, requested: str, message: str) -> Assignment:
        if requested not in self._known.agents:
            raise NotFound(f"There is no agent '{requested}'; GET /v1/agents lists those there are.")
        return Assignment(self._known.agents[requested], message)

    def _check_live(self, decision: RoutingDecision) -> None:
        missing = [each.agent.card for each in decision.assignments if each.agent.card.id not in self._live]
        if missing and len(missing) == len(decision.assignments):
            raise Unavailable(f"{missing[0].name} is not available at the moment. Please try again shortly.")

    async def _topics_of(self, live: Mapping[str, AgentRegistration]) -> tuple[dict[str, AgentTopics], list[str]]:
        """What is known of each agent, gone ones included, and the agents whose newest topics could not be read."""
        topics = dict(self._known.topics)
        missing: list[str] = []
        for agent_id, registration in live.items():
            known = topics.get(agent_id)
            if self._store is None or registration.topics == (known.digest if known else ""):
                continue
            if not registration.topics:
                del topics[agent_id]
                continue
            try:
                found = await self._store.read(agent_id, registration.topics)
            except SwitchboardError:
                found = None
            if found is None:
                missing.append(agent_id)
            else:
                topics[agent_id] = found
        return topics, missing

    async def _build(self, live: dict[str, AgentRegistration], topics: Mapping[str, AgentTopics]) -> None:
        gone = {agent_id: registration for agent_id, (registration, _) in self._gone.items()}
        agents = {**gone, **live}
        cards = {agent_id: agents[agent_id].card for agent_id in agents}
        topics = {agent_id: told for agent_id, told in topics.items() if agent_id in agents}
        before = self._known.model
        if before is not None and before.cards == cards and self._known.topics == topics:
            model = before  # a heartbeat, or another replica of an agent that is known: there is nothing to learn
        else:
            model = await RoutingModel.learned(cards, self._embedder, self._is_word, topics)
        self._known = _Known(agents, topics, model)
        self._live = live


def _reply(route: Route, known: Mapping[str, AgentRegistration], cards: list[AgentCard]) -> str:
    """What the supervisor says itself."""
    match route.by:
        case "clarify":
            return canned_responses.clarifying_question([known[each].card for each in route.candidates])
        case "small_talk":
            return (
                canned_responses.small_talk_reply(route.talk, cards) if route.talk else canned_responses.nothing_asked()
            )
        case _:
            return canned_responses.out_of_scope_reply(cards)


def _verdict(route: Route) -> str:
    """In short, as the trace shows it beside the model's."""
    return "+".join(part.agent for part in route.classifier_parts) or route.classifier_by

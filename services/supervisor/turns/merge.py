"""One answer out of one or several specialists' streams, while they run.

The first agent's words pass through live. The others work at the same time; their words wait (bounded) for their
turn, so that the answer reads in order. Citations keep `[n]` unique over the whole answer, and what failed is named.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from services.supervisor.routing.router import Assignment
from services.supervisor.turns.dispatch import Specialists, silent, too_slow
from switchboard.contracts.errors import DeadlineExceeded, OurError, SwitchboardError, Unavailable
from switchboard.contracts.events import Citation, CitationAdded, MessageDelta, TurnCompleted, TurnEvent, Usage
from switchboard.contracts.turns import TurnRequest

SUPERVISOR = "supervisor"
"""As the speaker of what no agent said."""
ANSWER_CHARACTERS_MAX = 64_000
"""Of one specialist; more is cut off, and the specialist is stopped."""
_MARK = re.compile(r"\[(\d{1,3})\]")

logger = logging.getLogger(__name__)

Emit = Callable[[TurnEvent], None]


@dataclass(slots=True)
class Answer:
    """What the specialists said together. `agents` are those that answered."""

    text: str = ""
    agents: list[str] = field(default_factory=list[str])
    citations: list[Citation] = field(default_factory=list[Citation])
    usage: Usage = field(default_factory=Usage)


@dataclass(slots=True)
class Said:
    """What one specialist has said so far."""

    agent: str
    name: str
    text: str = ""
    citations: list[Citation] = field(default_factory=list[Citation])
    usage: Usage = field(default_factory=Usage)
    error: SwitchboardError | None = None


async def answer_of(
    specialists: Specialists, work: Sequence[tuple[Assignment, TurnRequest]], seconds: float, emit: Emit
) -> Answer:
    """Runs all the work at once, at most `seconds` long, and emits the one answer as it grows.

    Raises the error of the only agent, or `Unavailable` when every agent failed.
    """
    if len(work) == 1:
        return await _single(specialists, *work[0], seconds, emit)
    said = [Said(assignment.agent.card.id, assignment.agent.card.name) for assignment, _ in work]
    answer = Answer()
    async with asyncio.TaskGroup() as group:
        voices = [
            group.create_task(
                _voice(specialists, *pair, seconds, heard, emit if n == 0 else _without_words(emit), n == 0)
            )
            for n, (pair, heard) in enumerate(zip(work, said, strict=True))
        ]
        for n, (voice, heard) in enumerate(zip(voices, said, strict=True)):
            await voice
            _append(answer, heard, live=n == 0, emit=emit)
    if not answer.agents:
        raise all_failed([heard.error for heard in said if heard.error is not None])
    _name_failures(answer, said, emit)
    return answer


async def _single(
    specialists: Specialists, assignment: Assignment, request: TurnRequest, seconds: float, emit: Emit
) -> Answer:
    said = Said(assignment.agent.card.id, assignment.agent.card.name)
    await _voice(specialists, assignment, request, seconds, said, emit, heading=False)
    if said.error is not None:
        raise said.error
    return Answer(said.text, [said.agent], said.citations, said.usage)


async def _voice(
    specialists: Specialists,
    assignment: Assignment,
    request: TurnRequest,
    seconds: float,
    said: Said,
    emit: Emit,
    heading: bool,
) -> None:
    """Listens to one specialist to its end; what goes wrong is kept in `said`, never raised."""
    try:
        async with asyncio.timeout(seconds), aclosing(specialists.ask(assignment.agent, request)) as events:
            await _listen(events, said, emit, heading)
    except TimeoutError:
        said.error = too_slow(said.name)
    except SwitchboardError as error:
        said.error = error


async def _listen(events: AsyncGenerator[TurnEvent], said: Said, emit: Emit, heading: bool) -> None:
    agent = said.agent
    async for event in events:
        match event:
            case MessageDelta():
                if heading and not said.text:
                    emit(MessageDelta(agent=agent, text=_heading(said.name)))
                said.text += event.text
                emit(event if event.agent == agent else event.model_copy(update={"agent": agent}))
                if len(said.text) > ANSWER_CHARACTERS_MAX:
                    logger.error("the answer of agent %s is cut off at %d characters", agent, len(said.text))
                    return
            case CitationAdded():
                emit(event.model_copy(update={"agent": agent}))
                said.citations.append(_citation(event, agent))
            case TurnCompleted():
                if not said.text and event.text:
                    emit(MessageDelta(agent=agent, text=_heading(said.name) + event.text if heading else event.text))
                    said.text = event.text
                told = {each.n for each in said.citations}
                for citation in event.citations:
                    if citation.n not in told:
                        said.citations.append(_citation(citation, agent))
                        emit(CitationAdded(**said.citations[-1].model_dump()))
                said.usage = event.usage
            case _:
                emit(event)
    if not said.text:
        raise silent(said.name)


def _append(answer: Answer, said: Said, *, live: bool, emit: Emit) -> None:
    """Adds what an agent said to the answer; says it now, unless it was said live."""

    def say(text: str) -> None:
        answer.text += text
        emit(MessageDelta(agent=said.agent, text=text))

    between = "\n\n" if answer.text else ""
    if live:
        answer.text = f"{_heading(said.name)}{said.text}" if said.text else ""
        answer.citations = list(said.citations)
    elif said.text:
        numbers = _renumbered(said.citations, 1 + max((each.n for each in answer.citations), default=0))
        say(between + _heading(said.name) + _MARK.sub(lambda mark: _remark(mark, numbers), said.text))
        for citation in said.citations:
            moved = citation.model_copy(update={"n": numbers[citation.n]})
            answer.citations.append(moved)
            emit(CitationAdded(**moved.model_dump()))
    answer.usage += said.usage
    if said.error is None:
        answer.agents.append(said.agent)


def _name_failures(answer: Answer, said: Sequence[Said], emit: Emit) -> None:
    """At the end: only then is it sure that there is an answer to add them to."""
    for each in said:
        if each.error is not None:
            text = f"\n\n{failure_note(each.name, each.error)}"
            answer.text += text
            emit(MessageDelta(agent=SUPERVISOR, text=text))


def failure_note(name: str, error: SwitchboardError) -> str:
    """The sentence in an answer for a part that is missing."""
    if isinstance(error, DeadlineExceeded):
        return f"**{name}** did not answer in time; please ask that part again in a moment."
    if isinstance(error, Unavailable):
        return f"**{name}** cannot be reached just now; please ask that part again in a moment."
    return f"**{name}** could not answer: {error.message}"


def all_failed(failures: Sequence[SwitchboardError]) -> SwitchboardError:
    if failures and all(isinstance(each, DeadlineExceeded) for each in failures):
        return DeadlineExceeded()
    if all(isinstance(each, OurError) for each in failures):
        return Unavailable("None of those who could answer can be reached at the moment. Please try again shortly.")
    return failures[0]


def merged(said: Sequence[Said]) -> Answer:
    """One answer out of those that are all there: the asynchronous path. Raises as `answer_of` does."""
    answer = Answer()
    errors = [each.error for each in said if each.error is not None]
    if len(said) == 1:
        if errors:
            raise errors[0]
        return Answer(said[0].text, [said[0].agent], said[0].citations, said[0].usage)
    for each in said:
        _append(answer, each, live=False, emit=_unheard)
    if not answer.agents:
        raise all_failed(errors)
    _name_failures(answer, said, _unheard)
    return answer


def _unheard(_: TurnEvent) -> None:
    pass


def _without_words(emit: Emit) -> Emit:
    """Lets the work of an agent be seen while its words wait."""

    def emit_work(event: TurnEvent) -> None:
        if not isinstance(event, MessageDelta | CitationAdded):
            emit(event)

    return emit_work


def _heading(name: str) -> str:
    return f"**{name}**\n\n"


def _citation(citation: Citation, agent: str) -> Citation:
    """All that is said of the source, under the agent that cites it."""
    return Citation.model_validate(citation.model_dump(include=set(Citation.model_fields)) | {"agent": agent})


def _renumbered(citations: Sequence[Citation], first: int) -> dict[int, int]:
    return {citation.n: first + position for position, citation in enumerate(citations)}


def _remark(mark: re.Match[str], numbers: Mapping[int, int]) -> str:
    n = int(mark[1])
    return f"[{numbers[n]}]" if n in numbers else mark[0]

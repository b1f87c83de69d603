"""One answer out of one or several specialists' streams, while they run.

The first agent's words pass through live. The others work at the same time; their words wait (bounded) for their
turn, so that the answer reads in order. Citations keep `[n]` unique over the whole answer, and what failed is named.
"""

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from services.supervisor.turns.dispatch import AgentEvent, Specialists, no_answer, too_slow
from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.errors import DeadlineExceeded, OurError, SwitchboardError, Unavailable
from switchboard.contracts.events import Citation, MessageDelta, TurnCompleted, TurnEvent
from switchboard.contracts.turns import AgentAnswer, TurnRequest
from switchboard.scoring.evaluators.refusal import is_refusal
from switchboard.text.sentences import first_sentence_end

SUPERVISOR = "supervisor"
"""As the speaker of what no agent said."""
ANSWER_CHARACTERS_MAX = 64_000
"""Of one specialist; more is cut off, and the specialist is stopped."""
HELD_CHARACTERS_MAX = 1_200
"""Of one specialist's first words, while it is not known whether they are a refusal."""
_MAY_REFUSE = re.compile(r"\W*+(?:$|i\b|i'm|sorry|unfortunately|apolog|my apolog|no|that\b|there\b)", re.IGNORECASE)
"""How a refusal may begin: other words are said as they come."""
_MARK = re.compile(r"\[(\d{1,3})\]")

logger = logging.getLogger(__name__)


class Emit(Protocol):
    """Where events go; `data` is the event's JSON, where it is encoded already."""

    def __call__(self, event: TurnEvent, data: bytes | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Dispatched:
    """An agent, and what it is asked."""

    agent: AgentRegistration
    request: TurnRequest


class Heard:
    """Passes events on, and knows whether words of an answer were among them."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.words = False

    def __call__(self, event: TurnEvent, data: bytes | None = None) -> None:
        self.words = self.words or isinstance(event, MessageDelta)
        self._emit(event, data)


async def answer_of(
    specialists: Specialists, work: Sequence[Dispatched], seconds: float, emit: Emit, spare: Dispatched | None = None
) -> TurnCompleted:
    """Runs all the work at once, at most `seconds` long, and emits the one answer as it grows; its ids are empty.

    Where the only agent does not know, the `spare` one is asked once. Raises the error of the only agent, or why none
    answered.
    """
    if len(work) == 1 and spare is not None:
        return await handed_over(specialists, work[0], spare, seconds, emit)
    if len(work) == 1:
        return alone(await _Listener(work[0], emit).listen(specialists, seconds))
    merge = Merge(emit)
    async with asyncio.TaskGroup() as group:
        answers = [
            group.create_task(
                _Listener(each, emit if n == 0 else _without_words(emit), heading=n == 0).listen(specialists, seconds)
            )
            for n, each in enumerate(work)
        ]
        for n, (answer, each) in enumerate(zip(answers, work, strict=True)):
            merge.add(each.agent.card.name, await answer, live=n == 0)
    return merge.end()


async def handed_over(
    specialists: Specialists, first: Dispatched, spare: Dispatched, seconds: float, emit: Emit
) -> TurnCompleted:
    """The answer of the first agent; where that only says that it does not know, the spare one's, if it knows.

    Raises the error of the first agent.
    """
    started_s = time.monotonic()
    held = HeldRefusal(emit)
    listener = _Listener(first, held)
    answer = alone(await listener.listen(specialists, seconds))
    left_s = seconds - (time.monotonic() - started_s)
    if not held.holds or listener.answered or left_s <= 0:
        held.release()
        return answer
    spare_held = HeldRefusal(emit)
    spare_listener = _Listener(spare, spare_held)
    other = await spare_listener.listen(specialists, left_s)
    if other.error is not None or (spare_held.holds and not spare_listener.answered):
        held.release()
        answer.usage += other.usage
        return answer
    spare_held.release()
    taken = alone(other)
    taken.usage += answer.usage
    return taken


def merged(answers: Sequence[tuple[str, AgentAnswer]]) -> TurnCompleted:
    """One answer out of those, with their agents' names, that are all there. Raises as `answer_of` does."""
    if len(answers) == 1:
        return alone(answers[0][1])
    merge = Merge(_nowhere)
    for name, answer in answers:
        merge.add(name, answer)
    return merge.end()


def alone(answer: AgentAnswer) -> TurnCompleted:
    """The answer of the only agent. Raises its error."""
    if answer.error is not None:
        raise answer.error
    return TurnCompleted(
        text=answer.text,
        agents=[answer.agent],
        citations=answer.citations,
        usage=answer.usage,
        confidence=answer.confidence,
        from_articles=answer.from_articles,
    )


class HeldRefusal:
    """Passes events on; words that begin with a refusal wait until it is known whether another agent knows better."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._held: list[tuple[TurnEvent, bytes | None]] = []
        self._begun = ""
        self._decided = False

    @property
    def holds(self) -> bool:
        """Words wait."""
        return bool(self._held)

    def __call__(self, event: TurnEvent, data: bytes | None = None) -> None:
        if self._decided or not isinstance(event, MessageDelta | Citation):
            self._emit(event, data)
            return
        self._held.append((event, data))
        if isinstance(event, MessageDelta):
            self._begun += event.text
            end = first_sentence_end(self._begun)
            long = len(self._begun) > HELD_CHARACTERS_MAX
            other = _MAY_REFUSE.match(self._begun) is None or (end is not None and not is_refusal(self._begun[:end]))
            if long or other:
                self.release()

    def release(self) -> None:
        """What waits is said, and all that follows at once."""
        self._decided = True
        held, self._held = self._held, []
        for event, data in held:
            self._emit(event, data)


class Merge:
    """Several agents' answers as one, in the order in which they are added."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._answer = TurnCompleted(text="", agents=[])
        self._failures: list[tuple[str, SwitchboardError]] = []

    def add(self, name: str, answer: AgentAnswer, *, live: bool = False) -> None:
        """Adds what an agent answered, and says it unless its words went out live."""
        merged = self._answer
        if answer.text and live:
            merged.text = f"{heading(name)}{answer.text}"
            merged.citations = list(answer.citations)
        elif answer.text:
            numbers = _renumbered(answer.citations, 1 + max((each.n for each in merged.citations), default=0))
            between = "\n\n" if merged.text else ""
            marked = _MARK.sub(lambda mark: f"[{numbers.get(int(mark[1]), mark[1])}]", answer.text)
            self._say(answer.agent, between + heading(name) + marked)
            for citation in answer.citations:
                moved = citation.model_copy(update={"n": numbers[citation.n]})
                merged.citations.append(moved)
                self._emit(moved)
        merged.usage += answer.usage
        merged.confidence = merged.confidence or answer.confidence
        if answer.error is None:
            merged.agents.append(answer.agent)
        else:
            self._failures.append((name, answer.error))

    def end(self) -> TurnCompleted:
        """The whole answer. Failures are named last: only now is it sure that there is an answer to add them to.

        Raises why nobody answered.
        """
        if not self._answer.agents:
            raise all_failed([error for _, error in self._failures])
        for name, error in self._failures:
            self._say(SUPERVISOR, f"\n\n{failure_note(name, error)}")
        return self._answer

    def _say(self, agent: str, text: str) -> None:
        self._answer.text += text
        self._emit(MessageDelta(agent=agent, text=text))


class _Listener:
    """Hears one specialist to its end, and passes on what it says as it says it."""

    def __init__(self, work: Dispatched, emit: Emit, *, heading: bool = False) -> None:
        self._work = work
        self._agent = work.agent.card.id
        self._emit = emit
        self._heading = heading
        self._text: list[str] = []
        self._characters = 0
        self._citations: list[Citation] = []
        self._completed: TurnCompleted | None = None
        self.answered = True
        """False once it has said itself that it does not know."""

    async def listen(self, specialists: Specialists, seconds: float) -> AgentAnswer:
        """What it answered within `seconds`; a failure is part of that, and never raised."""
        name, error = self._work.agent.card.name, None
        try:
            events = specialists.ask(self._work.agent, self._work.request)
            async with asyncio.timeout(seconds), aclosing(events):
                async for event in events:
                    if not self._take(event):
                        logger.error("the answer of %s is cut off at %d characters", self._agent, self._characters)
                        break
            if not self._text:
                error = no_answer(name)
        except TimeoutError:
            error = too_slow(name)
        except SwitchboardError as failure:
            error = failure
        answer = (
            AgentAnswer(agent=self._agent, status="completed")
            if error is None
            else AgentAnswer.failed(self._agent, error)
        )
        answer.text, answer.citations = "".join(self._text), self._citations
        if (completed := self._completed) is not None:
            answer.usage, answer.confidence = completed.usage, completed.confidence
            answer.from_articles = completed.from_articles
        return answer

    def _take(self, agent_event: AgentEvent) -> bool:
        """False once it has said too much."""
        event, data = agent_event.event, agent_event.data
        match event:
            case MessageDelta():
                self._say(event, data)
            case Citation():
                self._citations.append(event)
                self._emit(event, data)
            case TurnCompleted():
                self._complete(event)
            case _:
                self._emit(event, data)
        return self._characters <= ANSWER_CHARACTERS_MAX

    def _say(self, event: MessageDelta, data: bytes | None = None) -> None:
        if self._heading and not self._text:
            self._emit(MessageDelta(agent=self._agent, text=heading(self._work.agent.card.name)))
        self._text.append(event.text)
        self._characters += len(event.text)
        self._emit(event, data)

    def _complete(self, event: TurnCompleted) -> None:
        """What it did not stream is in its last event."""
        if not self._text and event.text:
            self._say(MessageDelta(agent=self._agent, text=event.text))
        streamed = {each.n for each in self._citations}
        for citation in event.citations:
            if citation.n not in streamed:
                named = citation.model_copy(update={"agent": self._agent})
                self._citations.append(named)
                self._emit(named)
        self._completed, self.answered = event, event.answered


def failure_note(name: str, error: SwitchboardError) -> str:
    """The sentence in an answer for a part that is missing."""
    if isinstance(error, DeadlineExceeded):
        return f"**{name}** did not answer in time; please ask that part again in a moment."
    if isinstance(error, Unavailable):
        return f"**{name}** cannot be reached just now; please ask that part again in a moment."
    return f"**{name}** could not answer: {error.message}"


def all_failed(failures: Sequence[SwitchboardError]) -> SwitchboardError:
    """What is told when every agent failed."""
    if failures and all(isinstance(each, DeadlineExceeded) for each in failures):
        return DeadlineExceeded()
    if all(isinstance(each, OurError) for each in failures):
        return Unavailable("None of those who could answer can be reached at the moment. Please try again shortly.")
    return failures[0]


def heading(name: str) -> str:
    return f"**{name}**\n\n"


def _nowhere(event: TurnEvent, data: bytes | None = None) -> None:
    del event, data


def _without_words(emit: Emit) -> Emit:
    """Lets the work of an agent be seen while its words wait."""

    def emit_work(event: TurnEvent, data: bytes | None = None) -> None:
        if not isinstance(event, MessageDelta | Citation):
            emit(event, data)

    return emit_work


def _renumbered(citations: Sequence[Citation], first: int) -> dict[int, int]:
    return {citation.n: first + position for position, citation in enumerate(citations)}

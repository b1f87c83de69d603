"""Real processes die, or are stopped, while a turn is under way: it ends, for its client too, and once. docs/durability.md.

Two supervisors. An agent that is stopped holds a turn where a test wants it: with one agent before its first word, with two
agents after words of the first.
"""

import json
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from switchboard.testing.system import System

HEADERS = {"Authorization": "Bearer demo-aurora-ada"}
FOR_BILLING = "Show my last invoice"
FOR_BOTH = "I was charged twice and my router blinks red"
END_S_MAX = 60.0
"""A loaded machine may take its time; a turn that never ends fails its test."""


@pytest.fixture(scope="module")
def fresh() -> Iterator[System]:
    """A system of its own: its processes are killed. Every turn ends as the last test leaves it."""
    with System(replicas={"supervisor": 2}, environment={"SWITCHBOARD_TURN_S_MAX": "120"}) as system:
        yield system


class Reader:
    """Reads a stream of events in the background; `events` are those that came, with their ids."""

    def __init__(self, method: str, url: str, body: dict[str, Any] | None = None, after: str = "") -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._came: queue.Queue[None] = queue.Queue()
        self._headers = HEADERS | {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        threading.Thread(target=self._read, args=(method, url, body), daemon=True).start()

    def _read(self, method: str, url: str, body: dict[str, Any] | None) -> None:
        try:
            with httpx.stream(method, url, json=body, headers=self._headers, timeout=END_S_MAX) as answer:
                number = ""
                for line in answer.iter_lines():
                    if line.startswith("id: "):
                        number = line[4:]
                    elif line.startswith("data: "):
                        self.events.append((number, json.loads(line[6:])))
                        number = ""
                        self._came.put(None)
        except httpx.TransportError:
            pass  # whom it read from was killed

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for _, event in self.events]

    def until(self, *kinds: str) -> dict[str, Any]:
        """The first event of one of these kinds."""
        deadline = time.monotonic() + END_S_MAX
        while not (found := [event for _, event in self.events if event["type"] in kinds]):
            try:
                self._came.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{kinds} did not come: {self.kinds}") from None
        return found[0]

    def end(self) -> dict[str, Any]:
        return self.until("turn.completed", "turn.failed", "turn.cancelled")


@contextmanager
def stopped(system: System, *names: str) -> Iterator[None]:
    """While they are, the named processes do nothing."""
    for name in names:
        system.kill(name, signal.SIGSTOP)
    try:
        yield
    finally:
        for name in names:
            system.kill(name, signal.SIGCONT)


def ask(system: System, message: str, replica: str = "supervisor") -> Reader:
    return Reader("POST", f"{system.url(replica)}/v1/chat", {"message": message})


def resumed(system: System, turn_id: str, replica: str, after: str = "") -> Reader:
    return Reader("GET", f"{system.url(replica)}/v1/turns/{turn_id}/events", after=after)


def turn(system: System, turn_id: str, replica: str = "supervisor-2") -> dict[str, Any]:
    return httpx.get(f"{system.url(replica)}/v1/jobs/{turn_id}", headers=HEADERS, timeout=END_S_MAX).json()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END_S_MAX
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def all_agents_are_known(system: System) -> None:
    """One that was stopped for long is forgotten, until it has said again that it is there."""
    url = f"{system.url('supervisor')}/v1/agents"
    until(lambda: len(httpx.get(url, headers=HEADERS).json().get("agents", ())) == 3)


def ids_are_whole(*readers: Reader) -> bool:
    """Each number once, none left out, over all that one client read."""
    numbers = [int(number.rpartition(":")[2]) for reader in readers for number, _ in reader.events if number]
    return numbers == list(range(1, len(numbers) + 1))


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_supervisor_is_killed_before_the_first_word_and_another_answers(fresh: System) -> None:
    all_agents_are_known(fresh)
    with stopped(fresh, "billing"):
        client = ask(fresh, FOR_BILLING)
        turn_id = client.until("turn.started")["turn_id"]
        client.until("route.decided")
        fresh.kill("supervisor")
        again = resumed(fresh, turn_id, "supervisor-2", client.events[-1][0])
    end = again.end()
    assert end["type"] == "turn.completed" and "£" in end["text"]
    assert ids_are_whole(client, again)
    said = "".join(event["text"] for _, event in again.events if event["type"] == "message.delta")
    assert said == end["text"]
    fresh.restart("supervisor")


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_supervisor_is_killed_after_words_and_the_turn_fails_for_its_client(fresh: System) -> None:
    all_agents_are_known(fresh)
    with stopped(fresh, "tech"):
        client = ask(fresh, FOR_BOTH)
        client.until("message.delta")
        turn_id = client.events[0][1]["turn_id"]
        fresh.kill("supervisor")
        again = resumed(fresh, turn_id, "supervisor-2", client.events[-1][0])
        end = again.end()
    assert (end["type"], end["code"]) == ("turn.failed", "interrupted")
    assert ids_are_whole(client, again)
    assert turn(fresh, turn_id)["status"] == "failed"
    fresh.restart("supervisor")


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_supervisor_that_is_stopped_counts_as_dead_and_changes_nothing_when_it_wakes(fresh: System) -> None:
    all_agents_are_known(fresh)
    with stopped(fresh, "tech"):
        client = ask(fresh, FOR_BOTH)
        client.until("message.delta")
        turn_id = client.events[0][1]["turn_id"]
        with stopped(fresh, "supervisor"):
            end = resumed(fresh, turn_id, "supervisor-2").end()
            before = turn(fresh, turn_id)
    assert (end["type"], before["status"]) == ("turn.failed", "failed")
    assert client.end() == end  # its own client hears the same from the one that slept
    assert turn(fresh, turn_id) == before
    whole = resumed(fresh, turn_id, "supervisor-2")
    assert whole.end() == end and ids_are_whole(whole)
    until(lambda: httpx.get(f"{fresh.url('supervisor')}/readyz").status_code == 200)


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_turn_is_cancelled_by_way_of_another_replica(fresh: System) -> None:
    all_agents_are_known(fresh)
    with stopped(fresh, "billing"):
        client = ask(fresh, FOR_BILLING)
        client.until("route.decided")
        turn_id = client.events[0][1]["turn_id"]
        url = f"{fresh.url('supervisor-2')}/v1/turns/{turn_id}"
        answer = httpx.delete(url, headers=HEADERS, timeout=END_S_MAX)
        assert answer.json()["status"] == "cancelled"
        assert client.end()["type"] == "turn.cancelled"
        assert ids_are_whole(client)


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_turn_ends_though_redis_died_under_it(fresh: System) -> None:
    all_agents_are_known(fresh)
    with stopped(fresh, "billing"):
        client = ask(fresh, FOR_BILLING)
        client.until("route.decided")
        turn_id = client.events[0][1]["turn_id"]
        fresh.kill("redis")
    fresh.stack.children["redis"].start(fresh.stack._spawner)
    end = client.end()
    until(lambda: turn(fresh, turn_id).get("status") in ("completed", "failed"))
    assert turn(fresh, turn_id)["status"] == end["type"].removeprefix("turn.")
    assert resumed(fresh, turn_id, "supervisor-2").end() == end


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_all_supervisors_are_killed_and_the_turn_ends_at_the_next_start(fresh: System) -> None:
    all_agents_are_known(fresh)
    with stopped(fresh, "tech"):
        client = ask(fresh, FOR_BOTH)
        client.until("message.delta")
        turn_id = client.events[0][1]["turn_id"]
        for name in ("supervisor", "supervisor-2"):
            fresh.kill(name)
    fresh.restart("supervisor-2")
    end = resumed(fresh, turn_id, "supervisor-2").end()
    assert end["type"] == "turn.failed"
    assert turn(fresh, turn_id)["status"] == "failed"

"""Conversations and a user's memory in the three tiers: real daprd, Redis, SQLite and files."""

import base64
import gzip
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
from runtime import Bench, Daprd, bench, local_components

from services.supervisor.memory.consolidation import Consolidation
from services.supervisor.memory.privacy import MemoryPrivacy
from services.supervisor.turns.conversations import Conversations, new_conversation
from services.supervisor.turns.records import Conversation, Turn, lease_of, now, turn_id_of
from switchboard.contracts.errors import NotFound
from switchboard.contracts.turns import Principal
from switchboard.memory.summary import ExtractiveSummarizer
from switchboard.memory.tiers.cold import ColdTier
from switchboard.memory.tiers.index import ConversationIndex
from switchboard.memory.tiers.mover import LEASE_NAME, LEASE_S, Mover, TierPolicy
from switchboard.memory.tiers.store import ERASED_KEY, MOVED_KEY, TieredStore
from switchboard.sidecar import keys
from switchboard.sidecar.dapr import DaprSidecar
from switchboard.sidecar.lease import Lease
from switchboard.sidecar.ports import Blobs
from switchboard.testing.sidecar_contract import BlobsContract

DAY_S = 86_400
TURNS = 12


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("tiers")) as made:
        yield made


@pytest.fixture(scope="module")
def redis_port(machines: Bench) -> int:
    return machines.redis()


@pytest.fixture(scope="module")
def daprd(machines: Bench, redis_port: int) -> Daprd:
    made = machines.daprd(f"tiers-{uuid.uuid4().hex[:8]}", local_components(machines.folder, redis_port, tiers=True))
    made.ready()
    return made


@pytest.fixture
async def sidecar(daprd: Daprd) -> AsyncIterator[DaprSidecar]:
    made = DaprSidecar(http_port=daprd.http_port, grpc_port=daprd.grpc_port)
    await made.open()
    yield made
    await made.close()


class TestColdStore(BlobsContract):
    @pytest.fixture
    def blobs(self, sidecar: DaprSidecar) -> Blobs:
        return sidecar.blobs("coldstore")


@dataclass
class Place:
    """The supervisor's stores, with a clock that the test sets forward."""

    sidecar: DaprSidecar
    folder: Path
    redis: Any
    user: Principal
    days: float = 0.0

    def __post_init__(self) -> None:
        state = self.sidecar.state
        self.tiers = TieredStore(state, self.sidecar.store("warmstore"), ColdTier(self.sidecar.blobs("coldstore")))
        self.index = ConversationIndex(state, clock=lambda: time.time() + self.days * DAY_S)
        self.conversations = Conversations(state, self.tiers, self.index)
        self.consolidation = Consolidation(state, self.tiers, lambda _: ExtractiveSummarizer(), self.index)
        self.memory_privacy = MemoryPrivacy(state, self.tiers, self.index, self.lease(), self.conversations, 7 * DAY_S)
        self.mover = Mover(
            self.index, self.tiers, self.lease(), TierPolicy(), lambda: datetime.now(UTC) + timedelta(days=self.days)
        )

    def lease(self) -> Lease:
        return Lease(self.sidecar.state, LEASE_NAME, LEASE_S)

    async def say(self, message: str, text: str, conversation_id: str | None = None) -> Conversation:
        """One answered turn."""
        first = conversation_id is None
        conversation = (
            new_conversation(self.user)
            if conversation_id is None
            else await self.conversations.next_turn(self.user, conversation_id)
        )
        turn = Turn(
            turn_id=turn_id_of(conversation.conversation_id, conversation.turn_count),
            conversation_id=conversation.conversation_id,
            n=conversation.turn_count,
            tenant=self.user.tenant,
            user=self.user.user,
            lease_until=lease_of(now()),
            message=message,
            created_at=now(),
        )
        if first:
            await self.conversations.create(conversation, turn, self.user)
        else:
            await self.conversations.record(turn)
        stored = await self.conversations.stored(turn)
        turn.status, turn.text, turn.agents = "completed", text, ["billing"]
        await self.conversations.end_turn(turn, stored.turn)
        await self.conversations.settle(turn, stored.conversation)
        self.consolidation.after(turn)
        return conversation

    async def talk(self, secret: str) -> str:
        """A conversation of twelve turns; its id."""
        conversation_id = None
        for n in range(1, TURNS + 1):
            message = f"Please never call me about {secret}. Where is TCK-{100_000 + n}?"
            said = await self.say(message, f"Ticket TCK-{100_000 + n} about {secret} is open.", conversation_id)
            conversation_id = said.conversation_id
        await self.consolidation.drained()
        assert conversation_id is not None
        return conversation_id

    async def pass_days(self, days: float) -> None:
        """Lets days pass, and the mover work."""
        self.days += days
        await self.mover.round()

    def where(self, text: str) -> set[str]:
        """The tiers in whose bytes `text` stands: Redis values and keys, SQLite's rows, names and contents of files."""
        found: set[str] = set()
        for key in self.redis.scan_iter(count=1000):
            values = (
                self.redis.hgetall(key).values() if self.redis.type(key) == b"hash" else [self.redis.get(key) or b""]
            )
            if text.encode() in key or any(text.encode() in value for value in values):
                found.add("hot")
        with sqlite3.connect(self.folder / "warm.sqlite") as warm:
            tables = [row[0] for row in warm.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                rows = warm.execute(f'SELECT * FROM "{table}"').fetchall()
                if any(text in plain(value) for row in rows for value in row):
                    found.add("warm")
        for path in (self.folder / "cold").rglob("*.gz"):
            if text in str(path) or text.encode() in gzip.decompress(path.read_bytes()):
                found.add("cold")
        return found


def plain(value: object) -> str:
    """A column as text: daprd keeps values as base64."""
    try:
        return base64.b64decode(str(value), validate=True).decode()
    except ValueError:
        return str(value)


@pytest.fixture
def place(sidecar: DaprSidecar, machines: Bench, redis_port: int) -> Iterator[Place]:
    client = redis_client.Redis(host="127.0.0.1", port=redis_port)
    if names := list(client.scan_iter(count=1000)):
        client.delete(*names)  # one index for all: what another test left would be moved, too
    yield Place(sidecar, machines.folder, client, Principal(tenant="aurora", user=f"u{uuid.uuid4().hex[:8]}"))
    client.close()


async def test_a_conversation_goes_down_the_tiers_and_is_read_wherever_it_is(place: Place) -> None:
    secret = f"s{uuid.uuid4().hex}"
    conversation_id = await place.talk(secret)
    before = await place.conversations.conversation(place.user, conversation_id)
    assert place.where(secret) == {"hot"}
    for days, tier in ((8, "warm"), (90, "cold")):
        await place.pass_days(days)
        assert place.where(secret) == {tier}
        read = await place.conversations.conversation(place.user, conversation_id)
        assert read == before
        page = await place.conversations.page(read, 0, 100)
        assert [turn.n for turn in page] == list(range(1, TURNS + 1))
        assert (await place.conversations.turn(place.user, f"{conversation_id}.3")).text.startswith("Ticket TCK-100003")


@pytest.mark.parametrize("days", [(8,), (8, 90)], ids=["from warm", "from cold"])
async def test_the_next_turn_of_a_conversation_brings_it_back_with_all_that_was_said(
    place: Place, days: tuple[int, ...]
) -> None:
    conversation_id = await place.talk(f"s{uuid.uuid4().hex}")
    for each in days:
        await place.pass_days(each)
    said = await place.say("And now?", "Still open.", conversation_id)
    assert said.turn_count == TURNS + 1
    assert [each.text for each in said.history()][-1].startswith(f"Ticket TCK-{100_000 + TURNS}")
    assert said.remembered is not None and said.remembered.summary
    assert "TCK-100001" in {each.value for each in said.remembered.entities}
    read = await place.conversations.conversation(place.user, conversation_id)
    assert [turn.n for turn in await place.conversations.page(read, 0, 100)] == list(range(1, TURNS + 2))
    await place.pass_days(16)
    assert await place.sidecar.state.get(keys.conversation(place.user.tenant, conversation_id)) is None, "it went again"
    again = await place.conversations.conversation(place.user, conversation_id)
    assert (await place.conversations.page(again, 12, 1))[0].text == "Still open."


async def test_a_conversation_in_use_stays_hot(place: Place) -> None:
    conversation_id = await place.talk("x")
    await place.pass_days(3)
    assert await place.sidecar.state.get(keys.conversation(place.user.tenant, conversation_id)) is not None


async def test_only_one_replica_moves_at_a_time(place: Place) -> None:
    conversation_id = await place.talk("x")
    other = place.lease()
    assert await other.take()
    await place.pass_days(8)
    hot = keys.conversation(place.user.tenant, conversation_id)
    assert await place.sidecar.state.get(hot) is not None
    await other.give_back()
    await place.mover.round()
    assert await place.sidecar.state.get(hot) is None


async def test_a_move_that_broke_off_is_finished_by_the_next_one(place: Place) -> None:
    secret = f"s{uuid.uuid4().hex}"
    conversation_id = await place.talk(secret)
    tenant = place.user.tenant
    item = await place.sidecar.state.get(keys.conversation(tenant, conversation_id))
    assert item is not None
    # As a crash leaves it: the record is below, the turns are in both.
    warm = place.sidecar.store("warmstore")
    for n in range(1, TURNS + 1):
        turn = await place.sidecar.state.get(keys.turn(tenant, conversation_id, n))
        assert turn is not None
        await warm.put(keys.turn(tenant, conversation_id, n), turn.value)
    recall = await place.sidecar.state.get(keys.conversation_memory(tenant, conversation_id))
    assert recall is not None
    await warm.put(keys.conversation_memory(tenant, conversation_id), recall.value)
    await warm.put(keys.conversation(tenant, conversation_id), item.value)
    await place.sidecar.state.delete(keys.conversation(tenant, conversation_id))
    assert await place.tiers.move_conversation(tenant, conversation_id, "warm") == "gone"
    assert place.where(secret) == {"warm"}


@pytest.mark.parametrize("days", [(), (8,), (8, 90)], ids=["hot", "warm", "cold"])
async def test_deleting_the_memory_leaves_nothing_of_it_in_any_tier_or_index(
    place: Place, days: tuple[int, ...]
) -> None:
    secret = f"s{uuid.uuid4().hex}"
    assert not (await place.memory_privacy.read(place.user)).consent, "off by default"
    await place.memory_privacy.consent(place.user, True)
    conversation_id = await place.talk(secret)
    for each in days:
        await place.pass_days(each)
    memory = await place.memory_privacy.read(place.user)
    assert any(secret in each for each in memory.preferences)
    assert {each.value for each in memory.entities} >= {"TCK-100012"}
    done = await place.memory_privacy.forget(place.user)
    assert done.conversations == 1
    assert await place.memory_privacy.read(place.user) == type(memory)()
    for store in (place.sidecar.state, place.sidecar.store("warmstore")):
        for key in (keys.user_memory("aurora", place.user.user), keys.conversation_memory("aurora", conversation_id)):
            item = await store.get(key)
            assert secret not in str(item) and "TCK" not in str(item)
    said = await place.say("Hello", "Hello!", conversation_id)
    assert said.remembered is None, "nor is it in what an agent is told"
    assert (await place.conversations.turn(place.user, f"{conversation_id}.1")).message, (
        "the conversation is the user's"
    )

    async def delete(conversation_ids: Sequence[str]) -> int:
        for each in conversation_ids:
            await place.conversations.delete(place.user, each)
        return len(conversation_ids)

    assert (await place.memory_privacy.forget(place.user, delete=delete)).conversations == 1
    assert place.where(secret) == set()
    left = await place.sidecar.state.get(keys.conversation("aurora", conversation_id))
    assert left is not None and left.value == {ERASED_KEY: True}, "for an hour"
    await place.sidecar.state.delete(keys.conversation("aurora", conversation_id))
    with pytest.raises(NotFound):
        await place.conversations.conversation(place.user, conversation_id)
    assert await place.index.conversations_of("aurora", place.user.user) == []
    await place.pass_days(200)
    assert place.where(conversation_id) == set(), "the mover's index has it no more"


async def test_the_memory_of_a_user_who_comes_back_goes_down_again_later(place: Place) -> None:
    await place.memory_privacy.consent(place.user, True)
    await place.talk("one thing")
    for days in (8, 90):
        await place.pass_days(days)
    hot = keys.user_memory("aurora", place.user.user)
    item = await place.sidecar.state.get(hot)
    assert item is not None and item.value == {MOVED_KEY: True}, "a note that it is further down"
    below = await place.tiers.find_below(hot)
    assert below is not None and below.tier == "cold"
    told = await place.say("Hello", "Hello!")
    assert told.remembered is not None and told.remembered.preferences, "read from where it is"
    await place.say("Please never call me about another thing.", "All right.", told.conversation_id)
    await place.consolidation.drained()
    memory = await place.memory_privacy.read(place.user)
    assert any("another thing" in each for each in memory.preferences)
    assert any("one thing" in each for each in memory.preferences)
    item = await place.sidecar.state.get(hot)
    assert item is not None and item.value["consent"]
    await place.pass_days(16)
    item = await place.sidecar.state.get(hot)
    assert item is not None and MOVED_KEY in item.value


async def test_without_consent_nothing_is_remembered_of_a_user(place: Place) -> None:
    await place.talk("x")
    assert await place.memory_privacy.read(place.user) == (await place.memory_privacy.read(place.user)).__class__()
    await place.memory_privacy.consent(place.user, True)
    await place.talk("y")
    assert (await place.memory_privacy.read(place.user)).preferences
    await place.memory_privacy.consent(place.user, False)
    assert not (await place.memory_privacy.read(place.user)).preferences
    await place.talk("z")
    assert not (await place.memory_privacy.read(place.user)).preferences

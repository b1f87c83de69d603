"""The supervisor's conversation store on `state.azure.cosmosdb`, against a server that speaks Cosmos DB's protocol.

That server keeps `ttl` with the document and never acts on it (Cosmos DB deletes the document): what is tested of
expiry is that the time to live reaches the document. The expiry itself is tested on Redis (`test_dapr_sidecar.py`).
"""

import asyncio
from datetime import timedelta

import pytest
from cosmos_server import CosmosServer

from services.supervisor.turns.conversations import Conversations, new_conversation
from services.supervisor.turns.idempotency import KEPT_S, Claim, IdempotencyKeys
from services.supervisor.turns.records import Conversation, Turn, lease_of, now, turn_id_of
from switchboard.contracts.errors import Conflict, NotFound, TurnRunning
from switchboard.contracts.turns import Principal
from switchboard.sidecar import keys
from switchboard.sidecar.dapr import DaprSidecar

ADA = Principal(tenant="aurora", user="ada")
BEN = Principal(tenant="aurora", user="ben")
CLEO = Principal(tenant="borealis", user="ada")
"""Another tenant's user of the same name."""


@pytest.fixture
def conversations(cosmos_sidecar: DaprSidecar) -> Conversations:
    return Conversations(cosmos_sidecar.state)


def accepted(conversation: Conversation, message: str) -> Turn:
    return Turn(
        turn_id=turn_id_of(conversation.conversation_id, conversation.turn_count),
        conversation_id=conversation.conversation_id,
        n=conversation.turn_count,
        tenant=conversation.tenant,
        user=conversation.owner,
        lease_until=lease_of(now() + timedelta(seconds=45)),
        message=message,
        created_at=now(),
    )


async def begun(conversations: Conversations, message: str = "What do I owe?") -> tuple[Conversation, Turn]:
    """A new conversation with its first turn."""
    conversation = new_conversation(ADA)
    turn = accepted(conversation, message)
    await conversations.create(conversation, turn, ADA)
    return conversation, turn


async def answer(conversations: Conversations, turn: Turn, text: str) -> Turn:
    """Ends a turn that was recorded."""
    stored = await conversations.stored(turn)
    turn.status, turn.text, turn.agents = "completed", text, ["billing"]
    await conversations.end_turn(turn, stored.turn)
    await conversations.settle(turn, stored.conversation)
    return turn


async def test_a_turn_that_was_accepted_and_answered_stands_in_the_conversation(conversations: Conversations) -> None:
    conversation, turn = await begun(conversations)
    await answer(conversations, turn, "You owe £41.20.")
    read = await conversations.conversation(ADA, conversation.conversation_id)
    assert (read.turn_count, read.agent, read.owner) == (1, "billing", "ada")
    assert [(each.role, each.text) for each in read.history()] == [
        ("user", "What do I owe?"),
        ("assistant", "You owe £41.20."),
    ]
    kept = await conversations.turn(ADA, turn.turn_id)
    assert (kept.status, kept.text, kept.message) == ("completed", "You owe £41.20.", "What do I owe?")


async def test_a_write_over_a_turn_that_changed_meanwhile_is_a_conflict(conversations: Conversations) -> None:
    _, turn = await begun(conversations)
    with pytest.raises(Conflict):
        await conversations.record(turn)
    before = (await conversations.stored(turn)).turn
    turn.text = "First."
    await conversations.replace_turn(turn, before.etag)
    turn.text = "Second, over what it never saw."
    with pytest.raises(Conflict):
        await conversations.replace_turn(turn, before.etag)
    assert (await conversations.turn(ADA, turn.turn_id)).text == "First."


async def test_of_turns_accepted_at_once_one_gets_the_number(conversations: Conversations) -> None:
    conversation, turn = await begun(conversations)
    with pytest.raises(TurnRunning):
        await conversations.next_turn(ADA, conversation.conversation_id)
    await answer(conversations, turn, "You owe £41.20.")
    both = await asyncio.gather(
        *(conversations.next_turn(ADA, conversation.conversation_id) for _ in range(2)), return_exceptions=True
    )
    assert [each.turn_count for each in both if isinstance(each, Conversation)] == [2]
    assert [each.turn_id for each in both if isinstance(each, TurnRunning)] == [f"{conversation.conversation_id}.2"]


@pytest.mark.parametrize("stranger", [BEN, CLEO], ids=["another user", "another tenant"])
async def test_the_conversation_of_somebody_else_is_not_found(
    conversations: Conversations, stranger: Principal
) -> None:
    conversation, turn = await begun(conversations)
    await answer(conversations, turn, "You owe £41.20.")
    with pytest.raises(NotFound):
        await conversations.conversation(stranger, conversation.conversation_id)
    with pytest.raises(NotFound):
        await conversations.next_turn(stranger, conversation.conversation_id)
    with pytest.raises(NotFound):
        await conversations.turn(stranger, turn.turn_id)


async def test_the_history_is_read_in_pages(conversations: Conversations) -> None:
    conversation, turn = await begun(conversations, "Question 1")
    await answer(conversations, turn, "Answer 1")
    for n in range(2, 6):
        turn = accepted(await conversations.next_turn(ADA, conversation.conversation_id), f"Question {n}")
        await conversations.record(turn)
        await answer(conversations, turn, f"Answer {n}")
    found = await conversations.conversation(ADA, conversation.conversation_id)
    pages = [await conversations.page(found, after, 2) for after in (0, 2, 4)]
    assert [[turn.text for turn in page] for page in pages] == [
        ["Answer 1", "Answer 2"],
        ["Answer 3", "Answer 4"],
        ["Answer 5"],
    ]


async def test_an_idempotency_key_stands_for_its_first_turn_for_a_day(
    cosmos_sidecar: DaprSidecar, cosmos: CosmosServer
) -> None:
    key = new_conversation(ADA).conversation_id
    idempotency_keys, mine = IdempotencyKeys(cosmos_sidecar.state), Claim(turn_id_of(key, 1), "digest")
    assert await idempotency_keys.claim(ADA, key, mine) == mine
    assert await idempotency_keys.claim(ADA, key, Claim("other.1", "digest")) == mine
    stored = keys.idempotency("aurora", "ada", key)
    document = cosmos.document(f"statestore||{stored.key}", stored.partition)
    assert document["ttl"] == KEPT_S

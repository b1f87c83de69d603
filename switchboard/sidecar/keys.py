"""Every state key there is. No other module builds one (DESIGN §3)."""

import hashlib
import re

from switchboard.sidecar.ports import StateKey

_PLAIN = re.compile(r"[^A-Za-z0-9_.@:-]")


def _part(text: str) -> str:
    """One segment: `|` separates segments, and Cosmos DB refuses `/`, `\\`, `?` and `#` in an id."""
    return _PLAIN.sub(lambda found: f"={ord(found[0]):x}=", text)


def _partition(tenant: str, second: str) -> str:
    return f"{_part(tenant)}|{_part(second)}"


def conversation(tenant: str, conversation_id: str) -> StateKey:
    """A conversation's record: owner, attempt, the tail of its turns."""
    partition = _partition(tenant, conversation_id)
    return StateKey(f"conversation|{partition}", partition)


def turn(tenant: str, conversation_id: str, n: int) -> StateKey:
    """Turn `n` of a conversation, counted from 1, in the conversation's partition."""
    partition = _partition(tenant, conversation_id)
    return StateKey(f"turn|{partition}|{n}", partition)


def replica(replica_id: str) -> StateKey:
    """The heartbeat of one replica of the supervisor."""
    return StateKey(f"replica|{_part(replica_id)}", "replicas")


def replica_index() -> StateKey:
    """The ids of replicas whose turns may have to be taken over."""
    return StateKey("replicas", "replicas")


def in_hand(replica_id: str, slot: int) -> StateKey:
    """What a replica has in hand, by slot: others find there what to end when it is gone."""
    return StateKey(f"in-hand|{_part(replica_id)}|{slot}", f"in-hand|{_part(replica_id)}")


def turn_events(tenant: str, turn_id: str) -> str:
    """The name of the Redis Stream that is the event log of a turn."""
    return f"turn-events|{_part(tenant)}|{_part(turn_id)}"


def replica_calls(replica_id: str) -> str:
    """The name of the Redis Stream in which a replica is told what to stop."""
    return f"replica-calls|{_part(replica_id)}"


def idempotency(tenant: str, user: str, key: str) -> StateKey:
    """`key` is the client's own text, so it is hashed: any character, any length."""
    partition = _partition(tenant, user)
    return StateKey(f"idempotency|{partition}|{hashlib.sha256(key.encode()).hexdigest()[:40]}", partition)


def agent(agent_id: str) -> StateKey:
    """An agent's registration, kept alive by its heartbeat."""
    return StateKey(f"agent|{_part(agent_id)}", "agents")


def agent_index() -> StateKey:
    """The ids that may be registered: a state store cannot list its keys."""
    return StateKey("agents", "agents")


def agent_topics(agent_id: str, page: int) -> StateKey:
    """A page of what an agent is asked about."""
    return StateKey(f"topics|{_part(agent_id)}|{page}", "agents")


def effect(turn_id: str, call: str) -> StateKey:
    """What one tool call of a turn changed, so that a redelivery does not change it again."""
    return StateKey(f"effect|{_part(turn_id)}|{_part(call)}", f"effect|{_part(turn_id)}")


def pending(tenant: str, conversation_id: str, agent_id: str) -> StateKey:
    """What an agent offered or asked last in a conversation, so that a bare "yes please" can be acted on."""
    partition = _partition(tenant, conversation_id)
    return StateKey(f"pending|{partition}|{_part(agent_id)}", partition)


def conversation_memory(tenant: str, conversation_id: str) -> StateKey:
    """A conversation's long memory: summary and the things named; beside the conversation's own record."""
    partition = _partition(tenant, conversation_id)
    return StateKey(f"recall|{partition}", partition)


def user_memory(tenant: str, user: str) -> StateKey:
    """What is remembered of a user across conversations, and whether they agreed to it."""
    partition = _partition(tenant, user)
    return StateKey(f"memory|{partition}", partition)


def index_log(writer: str, seq: int) -> StateKey:
    """An entry of a replica's log of the conversations that it opened, until the index has taken it in."""
    return StateKey(f"opened|{_part(writer)}|{seq}", f"opened|{_part(writer)}")


def conversation_index() -> StateKey:
    """What the index of conversations is made of: the replicas' logs, and the pages by when they are due."""
    return StateKey("shelf", "shelf")


def due_page(bucket: int, page: int) -> StateKey:
    """A page of the conversations to look at when a period of time is over."""
    return StateKey(f"due|{bucket}|{page}", "shelf")


def owner_page(tenant: str, user: str, page: int) -> StateKey:
    """A page of the ids of a user's conversations."""
    partition = _partition(tenant, user)
    return StateKey(f"owned|{partition}|{page}", partition)


def lease(name: str) -> StateKey:
    """Who does a job that only one replica may do at a time."""
    return StateKey(f"lease|{_part(name)}", "leases")


def cold_record(key: StateKey) -> str:
    """The name of the blob that holds the record of `key` in the cold tier."""
    return f"{key.key.replace('|', '/')}.json.gz"


def cold_turns(tenant: str, conversation_id: str, page: int) -> str:
    """The name of the blob that holds a page of a conversation's turns in the cold tier."""
    return f"turns/{_part(tenant)}/{_part(conversation_id)}/{page}.json.gz"


def experiment(name: str, variant: str, tenant: str) -> StateKey:
    """What a tenant's turns under one variant scored so far."""
    partition = f"experiment|{_part(name)}"
    return StateKey(f"{partition}|{_part(variant)}|{_part(tenant)}", partition)


def review_list(tenant: str) -> StateKey:
    """The newest turns of a tenant that were called bad, with their transcripts."""
    return StateKey(f"review|{_part(tenant)}", f"feedback|{_part(tenant)}")


def kept_answer(tenant: str, scope: str, identity: str) -> StateKey:
    """An answer that may be given again, to one question within a scope."""
    partition = _partition(tenant, scope)
    return StateKey(f"answer|{partition}|{_part(identity)}", f"answers|{partition}")


def kept_answers(tenant: str, scope: str) -> StateKey:
    """Which answers are kept within a scope of a tenant."""
    partition = _partition(tenant, scope)
    return StateKey(f"answers|{partition}", f"answers|{partition}")


def feedback_index(tenant: str) -> StateKey:
    """The newest rated turns of a tenant."""
    return StateKey(f"feedback|{_part(tenant)}", f"feedback|{_part(tenant)}")

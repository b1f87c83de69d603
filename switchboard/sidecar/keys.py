"""Every state key there is. No other module builds one (DESIGN §3)."""

from switchboard.sidecar.ports import StateKey


def conversation(tenant: str, conversation_id: str) -> StateKey:
    return StateKey(f"conversation|{tenant}|{conversation_id}", f"{tenant}|{conversation_id}")


def turn(tenant: str, conversation_id: str, n: int) -> StateKey:
    return StateKey(f"turn|{tenant}|{conversation_id}|{n}", f"{tenant}|{conversation_id}")


def idempotency(tenant: str, user: str, key: str) -> StateKey:
    return StateKey(f"idempotency|{tenant}|{user}|{key}", f"{tenant}|{user}")


def agent(agent_id: str) -> StateKey:
    return StateKey(f"agent|{agent_id}", "agents")


def agent_index() -> StateKey:
    """The ids that may be registered: a state store cannot list its keys."""
    return StateKey("agents", "agents")


def effect(turn_id: str, call: str) -> StateKey:
    return StateKey(f"effect|{turn_id}|{call}", f"effect|{turn_id}")


def pending(tenant: str, conversation_id: str, agent_id: str) -> StateKey:
    """What an agent offered or asked last in a conversation, so that a bare "yes please" can be acted on."""
    return StateKey(f"pending|{tenant}|{conversation_id}|{agent_id}", f"{tenant}|{conversation_id}")

import pytest

from services.gateway.call import CallOwner, caller_of
from switchboard.contracts.errors import InvalidRequest
from switchboard.contracts.turns import Principal
from switchboard.models.caller import Caller as OurCaller

ADA = Principal(tenant="aurora", user="C-10001", tier="professional")


def test_who_says_nothing_is_anonymous_and_of_the_tier_that_the_policy_gives():
    assert caller_of({}) == CallOwner(tenant="anonymous", user="anonymous", tier="free")
    assert caller_of({}, anonymous_tier="developer").tier == "developer"


def test_headers_say_whose_call_it_is():
    said = {
        "tenant": "aurora",
        "user": "C-1",
        "tier": "Enterprise",
        "feature": "chat",
        "agent": "billing",
        "lane": "batch",
    }
    caller = caller_of(
        {f"x-switchboard-{name}": value for name, value in said.items()} | {"x-model-preference": "cheap"}
    )
    assert caller == CallOwner("aurora", "C-1", "enterprise", "chat", "billing", "", "", "batch", "cheap")


def test_baggage_fills_in_what_the_headers_leave_out():
    baggage = "tenant.id=aurora, conversation.id=c%201;p=1,turn.id=c1.2"
    caller = caller_of({"baggage": baggage, "x-switchboard-turn": "c1.3"})
    assert (caller.tenant, caller.conversation, caller.turn) == ("aurora", "c 1", "c1.3")


@pytest.mark.parametrize("header", ["x-switchboard-tier", "x-switchboard-lane", "x-model-preference"])
def test_what_does_not_exist_is_refused(header: str):
    with pytest.raises(InvalidRequest, match="one of"):
        caller_of({header: "magic"})


def test_what_our_clients_send_is_what_the_gateway_reads():
    ours = OurCaller.of_turn(ADA, feature="chat", agent="billing", conversation="c1", turn="c1.1")
    caller = caller_of(ours.headers)
    assert caller == CallOwner(
        "aurora", "C-10001", "professional", "chat", "billing", "c1", "c1.1", "interactive", None
    )
    assert caller_of(OurCaller.internal(feature="memory").headers).tier == "internal"
    odd = OurCaller.of_turn(Principal(tenant="aurora", user="Jürgen 50%"), feature="chat", conversation="c1")
    assert caller_of(odd.headers).user == "Jürgen 50%"

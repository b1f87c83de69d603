"""Which plan fits: the cheapest that covers what is needed, against what the customer has now. Prices are pence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.product.catalogue import LineUse, Plan
from services.product.money import pounds

HEADROOM = 1.2
"""A plan should hold a fifth more than the average month, as months differ."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked of a plan; `None` where nothing was said."""

    kind: Literal["mobile", "broadband"]
    data_gb: float | None = None
    unlimited: bool = False
    budget_pence: int | None = None
    europe_roaming: bool = False
    download_mbps: int | None = None


def plan_text(plan: Plan) -> str:
    """`Aurora Plus 60: £19.00 a month, 60 GB, 5G, 24 months' contract`."""
    parts = [f"{pounds(plan.price_pence)} a month"]
    if plan.kind == "mobile":
        parts.append(f"{plan.data_gb} GB" if plan.data_gb is not None else "unlimited data")
        parts.append(plan.network)
        if plan.europe_roaming_included:
            parts.append("Europe roaming included")
    else:
        parts.append(f"{plan.download_mbps} Mbit/s down and {plan.upload_mbps} Mbit/s up")
    term = (
        "no minimum term beyond one month" if plan.contract_months == 1 else f"{plan.contract_months} months' contract"
    )
    return f"{plan.name}: {', '.join(parts)}, {term}"


def advise(plans: Sequence[Plan], need: Need, current: LineUse | None) -> tuple[list[str], Plan | None]:
    """Sentences, and the plan that they advise. `plans` are the brand's, cheapest first."""
    of_kind = [plan for plan in plans if plan.kind == need.kind]
    data_gb, facts = need.data_gb, list[str]()
    if current is not None:
        facts.append(_current_text(current))
        if not any((need.data_gb, need.unlimited, need.download_mbps, need.budget_pence)) and current.data_gb_mean:
            data_gb = current.data_gb_mean * HEADROOM
    fitting = [plan for plan in of_kind if _covers(plan, need, data_gb)]
    affordable = [plan for plan in fitting if need.budget_pence is None or plan.price_pence <= need.budget_pence]
    if not affordable:
        facts.append(_nothing(of_kind, fitting, need))
        return facts, None
    by_budget = need.budget_pence is not None and not (need.data_gb or need.unlimited or need.download_mbps)
    best = max(affordable, key=_size) if by_budget else affordable[0]
    facts.append(f"{_why(need, data_gb, by_budget=by_budget)} {plan_text(best)}.")
    if current is not None and current.plan_name == best.name:
        facts.append("That is the plan you have, so there is nothing to change.")
    elif current is not None and current.price_pence != best.price_pence:
        difference_pence = best.price_pence - current.price_pence
        word = "more" if difference_pence > 0 else "less"
        facts.append(f"It costs {pounds(abs(difference_pence))} a month {word} than your {current.plan_name}.")
    others = [plan for plan in affordable if plan is not best][:2]
    if others:
        facts.append(f"It could also be {' or '.join(plan_text(plan) for plan in others)}.")
    return facts, best


def _current_text(current: LineUse) -> str:
    text = f"You have {current.plan_name} for {pounds(current.price_pence)} a month on {current.number}"
    if current.data_gb_mean is not None:
        text += f", and used {current.data_gb_mean:g} GB a month on average over the last six months"
    return f"{text}."


def _covers(plan: Plan, need: Need, data_gb: float | None) -> bool:
    if need.unlimited and plan.data_gb is not None:
        return False
    if need.europe_roaming and plan.kind == "mobile" and not plan.europe_roaming_included:
        return False
    if data_gb is not None and plan.data_gb is not None and plan.data_gb < data_gb:
        return False
    return need.download_mbps is None or plan.download_mbps >= need.download_mbps


def _size(plan: Plan) -> tuple[float, int]:
    data = float("inf") if plan.data_gb is None else float(plan.data_gb)
    return (data if plan.kind == "mobile" else plan.download_mbps, -plan.price_pence)


def _why(need: Need, data_gb: float | None, *, by_budget: bool) -> str:
    if by_budget:
        return f"The most you get for up to {pounds(need.budget_pence or 0)} a month is"
    wishes: list[str] = []
    if need.unlimited:
        wishes.append("unlimited data")
    elif need.data_gb is not None:
        wishes.append(f"at least {need.data_gb:g} GB")
    elif data_gb is not None:
        wishes.append("room for that and a fifth more")
    if need.europe_roaming:
        wishes.append("Europe roaming included")
    if need.download_mbps is not None:
        wishes.append(f"at least {need.download_mbps} Mbit/s")
    kind = f"{need.kind} plan"
    return f"Our cheapest {kind} with {' and '.join(wishes)} is" if wishes else f"Our cheapest {kind} is"


def _nothing(of_kind: Sequence[Plan], fitting: Sequence[Plan], need: Need) -> str:
    if fitting and need.budget_pence is not None:
        return f"No {need.kind} plan that covers this costs {pounds(need.budget_pence)} or less; the cheapest is {plan_text(fitting[0])}."
    largest = max(of_kind, key=_size)
    return f"None of our {need.kind} plans covers this; the largest is {plan_text(largest)}."

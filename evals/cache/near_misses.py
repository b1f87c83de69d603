"""Near misses of the semantic cache: questions a word apart that want other answers, and true paraphrases beside them.

`python -m evals.cache.near_misses` writes `near_misses.csv` (columns text, category, kind): a stream for `switchboard
eval cache --stream`. Rows of one category want the same answer; the first row of a category is new to a cold cache, the
others are its true paraphrases. `kind` says by what a category differs from its neighbours.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).parent / "near_misses.csv"


@dataclass(frozen=True, slots=True)
class Template:
    """Every form asks the same; `{x}` is filled with each value in turn, and each value wants an answer of its own."""

    kind: str
    values: tuple[str, ...]
    forms: tuple[str, ...]


TEMPLATES = (
    Template("number", ("5", "10", "25", "100"), (
        "How much does the {x} GB data plan cost?", "What does the {x} GB data plan cost?",
        "how much does the {x}gb data plan cost", "Please tell me how much the {x} GB data plan costs.")),
    Template("number", ("2", "3", "14", "30"), (
        "Can I return an item after {x} days?", "Is it possible to return an item after {x} days?",
        "May I return an item after {x} days?", "can i return an item after {x} days")),
    Template("number", ("£20", "£50", "£200"), (
        "Is there a fee for withdrawing {x} in cash?", "Is there any fee for withdrawing {x} in cash?",
        "Do I pay a fee for withdrawing {x} in cash?", "is there a fee for withdrawing {x} cash?")),
    Template("number", ("two", "three", "five"), (
        "Can I use my account on {x} devices at once?", "Could I use my account on {x} devices at once?",
        "Can I use my account on {x} devices at the same time?", "Am I able to use my account on {x} devices at once?")),
    Template("plan", ("Basic", "Premium", "Family", "Business"), (
        "What is included in the {x} plan?", "What's included in the {x} plan?",
        "what is included with the {x} plan", "Can you tell me what is included in the {x} plan?")),
    Template("plan", ("silver", "gold", "platinum"), (
        "How do I upgrade to the {x} membership?", "How can I upgrade to the {x} membership?",
        "how do I upgrade to a {x} membership", "I want to upgrade to the {x} membership, how do I do that?")),
    Template("plan", ("Helix Home", "Helix Travel", "Helix Studio"), (
        "Does {x} come with free delivery?", "Does {x} include free delivery?",
        "Is delivery free with {x}?", "does {x} come with free delivery")),
    Template("plan", ("Visa", "Mastercard", "American Express"), (
        "Do you accept {x} for online payments?", "Do you take {x} for online payments?",
        "Is {x} accepted for online payments?", "do you accept {x} for payments online?")),
    Template("plan", ("iPhone", "Android"), (
        "How do I set up the app on {x}?", "How can I set up the app on {x}?",
        "How do I set the app up on {x}?", "how to set up the app on {x}")),
    Template("place", ("France", "Spain", "Japan", "Canada"), (
        "Can I use my card in {x}?", "Is it possible to use my card in {x}?",
        "Will I be able to use my card in {x}?", "can i use my card in {x}")),
    Template("date", ("Monday", "Thursday", "Saturday"), (
        "What time do you open on {x}?", "When do you open on {x}?",
        "what time do you open on {x}", "At what time do you open on {x}?")),
    Template("date", ("March", "July", "December"), (
        "When is my payment due in {x}?", "When is the payment due in {x}?",
        "when is my payment due in {x}", "Please tell me when my payment is due in {x}.")),
    Template("date", ("today", "tomorrow", "yesterday"), (
        "Why was there an outage in my area {x}?", "Why was there an outage in my area {x}",
        "why was there an outage {x} in my area?", "What is the reason there was an outage in my area {x}?")),
    Template("date", ("last month", "this month", "next month"), (
        "How much is my bill for {x}?", "What is my bill for {x}?", "How much is {x}'s bill?", "how much is my bill for {x}")),
    Template("negated", ("can", "can't"), (
        "Why {x} I change my delivery address?", "why {x} I change my delivery address",
        "Why {x} I change the delivery address?", "Tell me why I {x} change my delivery address.")),
    Template("negated", ("with", "without"), (
        "Can I open an account {x} a passport?", "Could I open an account {x} a passport?",
        "Is it possible to open an account {x} a passport?", "can I open an account {x} a passport?")),
    Template("negated", ("is", "is not"), (
        "Which equipment {x} covered by the warranty?", "What equipment {x} covered by the warranty?",
        "which equipment {x} covered by the warranty", "Please tell me which equipment {x} covered by the warranty.")),
    Template("antonym", ("activate", "deactivate"), (
        "How do I {x} my SIM card?", "How can I {x} my SIM card?", "how to {x} my sim card", "What do I do to {x} my SIM card?")),
    Template("antonym", ("increase", "decrease"), (
        "How do I {x} my credit limit?", "How can I {x} my credit limit?",
        "how to {x} my credit limit", "I would like to {x} my credit limit, how do I do it?")),
    Template("antonym", ("turn on", "turn off"), (
        "How do I {x} automatic renewal?", "How can I {x} automatic renewal?",
        "how to {x} automatic renewal", "What is the way to {x} automatic renewal?")),
    Template("antonym", ("lock", "unlock"), (
        "Can I {x} my card in the app?", "Can I {x} my card from the app?",
        "Is it possible to {x} my card in the app?", "can i {x} my card in the app")),
    Template("antonym", ("incoming", "outgoing"), (
        "Are {x} calls free?", "Are {x} calls free of charge?", "are {x} calls free", "Do I get {x} calls for free?")),
    Template("identifier", ("INV-20411", "INV-20414", "INV-30411"), (
        "What is the status of invoice {x}?", "What's the status of invoice {x}?",
        "status of invoice {x}?", "Please tell me the status of invoice {x}.")),
    Template("identifier", ("E102", "E120", "F102"), (
        "What does error {x} mean?", "What is the meaning of error {x}?", "what does error {x} mean", "What does the error {x} mean?")),
    Template("direction", ("from pounds to euros", "from euros to pounds"), (
        "How do I convert money {x}?", "How can I convert money {x}?", "how to convert money {x}", "How would I convert money {x}?")),
    Template("question", ("When", "Where", "Why"), (
        "{x} was my parcel delivered?", "{x} was the parcel delivered?", "{x} did my parcel get delivered?", "{x} has my parcel been delivered?")),
    Template("question", ("How long", "How much"), (
        "{x} does it take to ship a package abroad?", "{x} will it take to ship a package abroad?",
        "{x} does it take to ship a parcel abroad?", "{x} does shipping a package abroad take?")),
)  # fmt: skip


def rows() -> Iterator[tuple[str, str, str]]:
    """(text, category, kind) in the stream's order: a template's first forms, one a value, before its other forms."""
    for number, template in enumerate(TEMPLATES):
        for form in template.forms:
            for value in template.values:
                text = form.format(x=value)
                yield text[0].upper() + text[1:] if form.startswith("{x}") else text, f"{number}:{value}", template.kind


def main() -> None:
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "category", "kind"))
        writer.writerows(rows())


if __name__ == "__main__":
    main()

"""Who the customers are: names, towns, how long they have been here."""

from datetime import date, timedelta
from random import Random
from typing import Final

from switchboard.demo.model import DemoCustomer

BRANDS: Final = {"aurora": "Aurora Mobile", "borealis": "Borealis Telecom"}
"""Tenant and name."""
CUSTOMERS_PER_BRAND: Final = 150
FIRST_CUSTOMER: Final = {"aurora": 10001, "borealis": 10151}

FIRST_NAMES: Final = ["Amelia", "Oliver", "Isla", "George", "Ava", "Arthur", "Mia", "Noah", "Freya", "Muhammad", "Grace", "Leo", "Lily", "Theo", "Evie", "Oscar", "Sophie", "Jack", "Aisha", "Harry", "Priya", "Thomas", "Chloe", "Ethan", "Zara", "Lucas", "Hannah", "Finlay", "Megan", "Callum", "Niamh", "Rhys", "Seren", "Dylan", "Eilidh", "Hamish", "Bronwen", "Owen", "Fatima", "Daniel", "Mei", "Samuel", "Olga", "Pavel", "Ngozi", "Kwame", "Leila", "Yusuf", "Ingrid", "Marek", "Sunita", "Raj", "Elena", "Tomasz", "Beatrice", "Hugo", "Margaret", "Derek", "Doreen", "Kenneth", "Brenda", "Clive", "Sheila", "Trevor"]  # fmt: skip
LAST_NAMES: Final = ["Ashworth", "Barlow", "Chadwick", "Dawson", "Entwistle", "Fairfax", "Garrick", "Hartley", "Ibbotson", "Jowett", "Kershaw", "Lockwood", "Mistry", "Naylor", "Okafor", "Patel", "Quigley", "Rowntree", "Sutcliffe", "Thackray", "Underhill", "Verity", "Whitaker", "Yeadon", "Ahmed", "Begum", "Campbell", "Davies", "Evans", "Fraser", "Griffiths", "Hughes", "Iqbal", "Jenkins", "Khan", "Llewellyn", "MacLeod", "Nowak", "Osei", "Pritchard", "Qureshi", "Rahman", "Singh", "Tudor", "Usman", "Vaughan", "Williamson", "Xu", "Young", "Zielinski", "Bell", "Carter", "Doyle", "Ellis", "Fox", "Gibson", "Hunt", "Ingram", "Jarvis", "Knight", "Lamb", "Marsh"]  # fmt: skip
STREETS: Final = (
    "Mill Lane", "Station Road", "Church Street", "Albert Terrace", "Orchard Close", "Victoria Road", "Beech Grove",
    "Canal Street", "Hillside Avenue", "Priory Walk", "Castle View", "Harbour Road", "Meadow Drive", "Foundry Row",
)  # fmt: skip
TOWNS: Final = (
    ("Bristol", "BS"), ("Leeds", "LS"), ("Norwich", "NR"), ("Cardiff", "CF"), ("Inverness", "IV"), ("Exeter", "EX"),
    ("York", "YO"), ("Swansea", "SA"), ("Dundee", "DD"), ("Lincoln", "LN"), ("Truro", "TR"), ("Carlisle", "CA"),
    ("Shrewsbury", "SY"), ("Perth", "PH"), ("Ipswich", "IP"), ("Hereford", "HR"),
)  # fmt: skip
NAMED: Final[dict[str, tuple[str, str, str]]] = {
    "C-10001": ("Ada", "Merton", "Bristol"),
    "C-10002": ("Ben", "Okafor", "Leeds"),
    "C-10151": ("Cleo", "Vaughan", "Cardiff"),
}
"""The customers behind the demo keys."""


def customer_random(seed: int, customer_id: str, topic: str) -> Random:
    """A stream of its own for each customer and topic, so that one more draw somewhere moves nothing else."""
    return Random(f"{seed}|{customer_id}|{topic}")


def customers_of(tenant: str, seed: int, today: date) -> list[DemoCustomer]:
    first = FIRST_CUSTOMER[tenant]
    return [_customer(f"C-{number}", tenant, seed, today) for number in range(first, first + CUSTOMERS_PER_BRAND)]


def _customer(customer_id: str, tenant: str, seed: int, today: date) -> DemoCustomer:
    random = customer_random(seed, customer_id, "person")
    first_name, last_name = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    town, area = random.choice(TOWNS)
    payment_method = "direct_debit" if random.random() < 0.78 else "card"
    # One in six joined within the last two years; the others have the full history.
    age_days = random.randint(150, 700) if random.random() < 0.17 else random.randint(760, 2900)
    if customer_id in NAMED:
        first_name, last_name, town = NAMED[customer_id]
        area = dict(TOWNS)[town]
        payment_method, age_days = "direct_debit", 1400
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return DemoCustomer(
        id=customer_id,
        tenant=tenant,
        first_name=first_name,
        last_name=last_name,
        email=f"{first_name}.{last_name}{customer_id[-3:]}@example.com".lower(),
        street=f"{random.randint(1, 120)} {random.choice(STREETS)}",
        town=town,
        postcode=f"{area}{random.randint(1, 20)} {random.randint(1, 9)}{random.choice(letters)}{random.choice(letters)}",
        since=today - timedelta(days=age_days),
        payment_method=payment_method,
    )

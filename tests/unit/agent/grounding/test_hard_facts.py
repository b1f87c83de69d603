"""Amounts, numbers, dates, times, ids and names of an answer follow from its evidence, however they are written."""

import pytest

from switchboard.text.languages import Language
from tests.unit.agent.grounding.evidence_of import evidence_of, faults

INVOICE = evidence_of(
    "Your November 2026 invoice INV-202611-777 is £61.40, which is £14.20 more than your October 2026 invoice of £47.20.",
    "It is due on 28 November 2026. The hotline is 0800 123 4567, from 8:00 to 18:00.",
    "Trip to Spain (4 day passes at £2.30): £9.20. The Comet Plus 60 plan has 60 GB and a contract of 24 months.",
)
DATA = evidence_of(
    data={
        "invoice": {"id": "INV-5", "due_on": "2026-11-28", "total_pence": 4720},
        "test": {
            "sync_mbps": 71.4,
            "plan_mbps": 80,
            "loss_percent": 4.2,
            "reboots_24h": 2,
            "at": "2026-11-15T02:21:00",
        },
    }
)


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("It comes to forty-seven pounds twenty less than you fear: £61.40.", "en"),
        ("It's due on 28/11, in just under two weeks.", "en"),
        ("It's due on Saturday the 28th.", "en"),
        ("Sie ist am 28. November fällig und beträgt 61,40 £.", "de"),
        ("Am 28.11. werden 61,40 Pfund fällig.", "de"),
        ("Vence el 28 de noviembre y son 61,40 libras.", "es"),
        ("It went up by £14.20, from £47.20 to £61.40.", "en"),
        ("The four passes at £2.30 each make £9.20.", "en"),
        ("Three passes would be £6.90.", "en"),
        ("Without the trip it would be £52.20 less, sorry, £9.20 less.", "en"),
        ("You have 60 gigs and are bound for two years.", "en"),
        ("Ring us between 8 am and 6 pm on 0800 1234567.", "en"),
        ("1. Push the plug in.", "en"),
        ("We are there 24/7, in one way or another, and it takes a minute or two.", "en"),
        ("It is about £60.", "en"),
    ],
)
def test_what_follows_passes_in_any_wording(sentence: str, language: Language) -> None:
    wrong = [fault for fault in faults(sentence, INVOICE, language) if fault.said != "£52.20"]
    assert wrong == []


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("It comes to £61.50.", "£61.50"),
        ("It is due on 26 November.", "26 November"),
        ("It is due on 28 November 2027.", "28 November 2027"),
        ("You used five day passes.", "5 day"),
        ("Three passes would be £7.90.", "£7.90"),
        ("It is £15.20 more than in October.", "£15.20"),
        ("Your invoice INV-202611-778 is open.", "INV-202611-778"),
        ("Ring us on 0800 123 4568.", "0800 123 4568"),
        ("Ring us until 7 pm.", "7 pm"),
        ("You are bound for 36 months.", "36 months"),
        ("The Comet Max 90 suits you better.", "90 suits you better"),
        ("The page is https://comet.example/pay.", "https://comet.example/pay"),
        ("Enter `web` as the password.", "`web`"),
        ("You get 20 % of it back.", "20 %"),
    ],
)
def test_what_does_not_follow_is_named_in_its_own_words(sentence: str, said: str) -> None:
    assert said in {fault.said.rstrip(".") for fault in faults(sentence, INVOICE)}


@pytest.mark.parametrize(
    "sentence",
    [
        "Your invoice of £47.20 is due on 28 November.",
        "You get 71.4 of your 80 Mbit/s, about 89 %.",
        "It restarted twice in the last 24 hours, the last time at 2:21.",
        "4.2 percent of the data is lost.",
    ],
)
def test_keys_of_json_say_what_their_numbers_are(sentence: str) -> None:
    assert faults(sentence, DATA) == []


def test_a_number_of_json_is_no_other_unit() -> None:
    assert faults("It restarted five times.", DATA)
    assert faults("It is 80 GB.", DATA)


def test_what_is_told_of_one_id_is_not_told_of_another() -> None:
    payments = evidence_of(
        "PAY-111: £14.00 on 28 October 2026, failed.", "PAY-222: £14.00 on 28 September 2026, settled."
    )
    assert faults("PAY-222 was taken on 28 September.", payments) == []
    assert [fault.said for fault in faults("It was PAY-222, in October.", payments)] == ["October"]
    assert faults("It was PAY-111 in October and PAY-222 in September.", payments) == []


def test_a_name_like_one_of_the_evidence_is_a_fault_and_a_stranger_is_not() -> None:
    plans = evidence_of("The Comet Plus 60 costs £19.00. The Comet TV Box records 100 hours.")
    assert [fault.kind for fault in faults("You are on the Comet Max Unlimited.", plans)] == ["name"]
    assert faults("Your Comet Box keeps 100 hours, and Comet Plus 60 is £19.", plans) == []
    assert faults("Hi Cleo Smith, you find it in the Google Play Store.", plans) == []


def test_a_day_is_counted_from_a_told_one() -> None:
    goods = evidence_of("Delivered on 10 November 2026. You may return it within 14 days.")
    assert faults("You can return it until 24 November, for 9 more days.", goods) == []
    assert faults("You can return it until 27 November.", goods)

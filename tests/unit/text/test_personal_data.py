"""What is personal goes, what says what it is about stays."""

import pytest

from switchboard.text.personal_data import redacted


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Write to jo.smith+x@mail.example.co.uk please", "Write to [email] please"),
        ("Call me on +44 7700 900 123.", "Call me on [number]."),
        ("Call me on (0113) 496-0123 today", "Call me on [number] today"),
        ("My account is 88123456", "My account is [number]"),
        ("Card 4111 1111 1111 1111 was charged", "Card [number] was charged"),
        ("Where is INV-202611-10001?", "Where is [id]?"),
        ("Customer C-10001 wrote", "Customer [id] wrote"),
        ("It is AB12345678 on the box", "It is [id] on the box"),
        ("IBAN DE89 3704 0044 0532 0130 00 is mine", "IBAN [account] is mine"),
        ("I live at 12 Mill Lane, Leeds LS1 4AB", "I live at [address], Leeds [postcode]"),
        ("Hi, my name is Maria Lopez and I pay", "Hi, my name is [name] and I pay"),
        ("I'm Tom, my line is dead", "I'm [name], my line is dead"),
        ("This is Anna Berg speaking", "This is [name] speaking"),
        ("It is broken.\nRegards,\nPeter Long", "It is broken.\nRegards, [name]"),
        ("Dear Mrs Bell, thank you", "Dear [name], thank you"),
    ],
)
def test_personal_data_is_taken_out(text: str, without: str):
    assert redacted(text) == without


@pytest.mark.parametrize(
    "text",
    [
        "I paid £1,047.20 twice on 2026-11-03",
        "On 03/11/2026 it cost £12.50 for 100 GB",
        "The Kestrel 12 has 5000 mAh",
        "I'm sure that it blinks red",
        "I am Happy with it",
        "This is what I get",
    ],
)
def test_what_it_is_about_stays(text: str):
    assert redacted(text) == text


def test_a_full_name_is_taken_out_unless_it_is_ours():
    text = "It was Maria Lopez who ordered the Home Office plan"
    assert redacted(text, public="The Home Office plan costs £30.") == "It was [name] who ordered the Home Office plan"


def test_known_names_are_taken_out_whatever_their_case():
    assert redacted("ada rang, ADA's line", ["Ada"]) == "[name] rang, [name]'s line"

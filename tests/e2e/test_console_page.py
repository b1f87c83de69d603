"""The page against a scripted supervisor: streams that break, answers that fail, text that means harm."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from switchboard.telemetry.spans import Span
from tests.e2e.browser import chromium, page_at
from tests.unit.console.fake_supervisor import TRACE_ID
from tests.unit.console.servers import Servers, served

BOTH = "I was charged twice and my router blinks red"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with served(Path(tmp_path_factory.mktemp("console"))) as running:
        start = time.time_ns()
        rows = [("1", "", "supervisor", "POST /v1/chat", 0, 90), ("2", "1", "supervisor.dapr", "CallLocal/billing", 5, 80),
                ("3", "2", "billing", "execute_tool explain_invoice", 20, 40), ("4", "1", "gateway", "chat fast", 50, 70)]  # fmt: skip
        running.console.state.console.store.insert(
            Span(TRACE_ID, each.zfill(16), parent and parent.zfill(16), name, service, start + a * 10**6, start + b * 10**6, attributes={"tenant.id": "aurora", "user.id": "C-10001"})
            for each, parent, service, name, a, b in rows
        )  # fmt: skip
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def test_a_stream_that_breaks_is_taken_up_again_and_the_turn_runs_once(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", f"{BOTH} break")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        mine = [seen for seen in servers.fake.state.requests if seen[0] == f"{BOTH} break"]
        assert len(mine) == 2
        assert mine[0][1] == mine[1][1], "both requests carry the same idempotency key"
        assert mine[1][2] == "conv-1.1:11"
        assert page.locator(".words").first.inner_text().count("Your November invoice is") == 1


def test_markup_in_an_answer_stays_text(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        assert page.locator(".answer img").count() == 0
        expect(page.locator("[data-agent=tech] .words")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.locator("[data-agent=billing] .words strong").first).to_have_text("£54.20")


def test_a_failed_turn_says_what_happened_with_a_reference_and_a_way_on(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", "please fail")
        page.keyboard.press("Enter")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("does not answer at the moment")
        expect(alert).to_contain_text(TRACE_ID)
        alert.get_by_role("button", name="Try again").click()
        expect(page.locator(".answer[aria-busy=true]")).to_have_count(0)
        expect(page.locator(".turn")).to_have_count(1)
        expect(page.get_by_role("alert")).to_be_visible()
        assert [seen[0] for seen in servers.fake.state.requests].count("please fail") == 2


def test_a_refused_request_shows_the_problems_own_sentence(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", "limit")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Please wait a minute.")


def test_an_answer_can_be_stopped(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", f"{BOTH} slow")
        page.keyboard.press("Enter")
        page.wait_for_selector(".tool")
        page.get_by_role("button", name="Stop").click()
        page.wait_for_selector("[data-state=stopped]")
        expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_a_citation_opens_its_passage_marked_in_the_article(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.locator(".cite").first.click()
        expect(page.locator("#source mark")).to_contain_text("has power but no line")
        expect(page.locator("#source")).to_contain_text("Wait five minutes")
        page.keyboard.press("Escape")
        expect(page.locator("#source")).not_to_be_visible()


def test_a_remembered_conversation_opens_again_with_its_failures(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator("#welcome")).to_be_visible()
        page.locator("#past button").first.click()
        expect(page.locator(".turn")).to_have_count(2)
        expect(page.get_by_role("alert")).to_contain_text("Please try again.")


def test_an_answer_is_rated_by_keyboard_with_a_comment(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        down = page.get_by_role("button", name="Bad answer")
        down.focus()
        page.keyboard.press("Enter")
        expect(down).to_have_attribute("aria-pressed", "true")
        comment = page.get_by_label("Comment on this answer")
        expect(comment).to_be_focused()
        page.keyboard.type("The amount is wrong")
        page.keyboard.press("Enter")
        expect(comment).not_to_be_visible()
        expect(page.locator(".thumbs")).to_contain_text("Thank you")
        rated = {"turn_id": "conv-1.1", "conversation_id": "conv-1", "rating": "down"}
        assert servers.fake.state.feedback[-2:] == [
            {**rated, "comment": ""},
            {**rated, "comment": "The amount is wrong"},
        ]


def test_the_thumbs_are_drawn_and_named(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        for name in ("Good answer", "Bad answer"):
            thumb = page.get_by_role("button", name=name)
            assert thumb.inner_text() == ""
            box = thumb.locator("svg").bounding_box()
            assert box is not None and box["width"] >= 12


def test_the_closest_answer_is_marked(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", f"{BOTH} closest")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        expect(page.locator(".closest")).to_have_text("Closest match")


def test_an_answer_that_was_given_before_says_so(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", f"{BOTH} cached")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        expect(page.locator(".foot")).to_contain_text("Answered before")
        expect(page.locator(".closest")).to_have_count(0)


def test_a_rating_that_is_not_taken_says_why(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        up = page.get_by_role("button", name="Good answer")
        up.click()
        page.get_by_label("Comment on this answer").fill("refused")
        page.get_by_role("button", name="Send comment").click()
        expect(page.locator(".thumbs")).to_contain_text("That is not possible now.")


def test_a_rating_is_there_when_the_conversation_is_opened_again(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        page.get_by_role("button", name="New conversation").click()
        page.locator("#past button").first.click()
        expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")


def test_each_user_has_their_own_list_of_conversations(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        expect(page.locator("#past button")).to_have_count(1)
        page.select_option("#who", index=2)
        expect(page.locator("#past button")).to_have_count(0)


def test_the_waterfall_is_walked_by_keyboard(browser: Browser, servers: Servers) -> None:
    with page_at(browser, servers.url) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.locator(".foot [data-trace]").click()
        rows = page.get_by_role("treeitem")
        expect(rows).to_have_count(4)
        rows.first.focus()
        page.keyboard.press("ArrowDown")
        expect(rows.nth(1)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".span-detail")).to_contain_text("tenant.id")
        page.keyboard.press("ArrowLeft")
        expect(rows).to_have_count(3)
        page.get_by_label("Sidecars").uncheck()
        expect(rows.filter(has_text="supervisor.dapr")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone_nothing_scrolls_sideways(browser: Browser, servers: Servers, dark: bool) -> None:
    with page_at(browser, servers.url, width=375, height=720, dark=dark) as page:
        page.fill("#message", BOTH)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        page.locator(".tool summary").first.click()
        wide = "[...document.querySelectorAll('html, #main, #source-body, #trace-body')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.id || e.tagName)"
        assert page.evaluate(wide) == []
        page.locator(".foot [data-trace]").click()
        page.wait_for_selector("[role=treeitem]")
        assert page.evaluate(wide) == []
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == ("dark" if dark else "light")

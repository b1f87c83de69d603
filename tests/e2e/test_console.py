"""The page on the real system: what a person does, by mouse and by keyboard alone."""

import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from switchboard.testing.system import System
from tests.e2e.browser import chromium, page_at

REGISTERED_S_MAX = 15.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def url(system: System) -> str:
    """The console's, once the agents are known to the supervisor."""
    until = time.monotonic() + REGISTERED_S_MAX
    key = {"authorization": f"Bearer {system.keys[0].key}"}
    while time.monotonic() < until:
        if len(httpx.get(system.url("supervisor") + "/v1/agents", headers=key).json()["agents"]) >= 3:
            return system.url("console")
        time.sleep(0.2)
    pytest.fail("The agents have not registered.")


def ask(page: Page, text: str) -> None:
    """Types, sends, and waits for the whole answer."""
    before = page.locator(".turn").count()
    page.fill("#message", text)
    page.keyboard.press("Enter")
    expect(page.locator(".answer[aria-busy=false]")).to_have_count(before + 1)


def test_a_conversation_streams_shows_its_tools_and_goes_on(browser: Browser, url: str) -> None:
    with page_at(browser, url) as page:
        ask(page, "Why is my latest invoice higher than the one before?")
        answer = page.locator(".answer").last
        expect(answer.locator(".badge")).to_have_text("Billing")
        expect(answer.locator(".words")).to_contain_text("£")
        expect(answer.locator(".tool[data-state=ok]").first).to_be_visible()
        expect(answer.locator(".foot")).to_contain_text("$")
        ask(page, "My router blinks red, what can I do?")
        second = page.locator(".answer").last
        second.locator(".cite").first.click()
        expect(page.locator("#source mark")).to_be_visible()
        expect(page.locator("#source-body h3").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#past button")).to_have_count(1)


def test_two_specialists_answer_one_message_each_under_its_name(browser: Browser, url: str) -> None:
    with page_at(browser, url) as page:
        ask(page, "I was charged twice and my router blinks red")
        expect(page.locator(".answer .badge:visible")).to_have_count(2)
        expect(page.locator("[data-agent=billing] .words")).to_contain_text("£47.20")
        expect(page.locator("[data-agent=tech] .words")).to_contain_text("red")
        live = page.locator(".parts").inner_text()
        page.reload()
        page.locator("#past button").first.click()
        expect(page.locator(".answer .badge:visible")).to_have_count(2)
        for line in ("£47.20", "loss of signal"):
            assert line in live
            expect(page.locator(".parts")).to_contain_text(line)


def test_the_trace_of_a_turn_is_one_click_away(browser: Browser, url: str) -> None:
    with page_at(browser, url) as page:
        ask(page, "Why is my latest invoice higher than the one before?")
        page.locator(".foot [data-trace]").click()
        expect(page.get_by_role("treeitem").filter(has_text="execute_tool").first).to_be_visible()
        expect(page.get_by_role("treeitem").filter(has_text="billing.dapr").first).to_be_visible()
        expect(page.get_by_role("treeitem").filter(has_text="gateway").first).to_be_visible()


def test_a_conversation_of_somebody_else_is_refused_in_words(browser: Browser, url: str) -> None:
    with page_at(browser, url) as page:
        ask(page, "Why is my latest invoice higher than the one before?")
        page.evaluate("""() => {
          const [id] = JSON.parse(localStorage.getItem("switchboard.conversations.aurora/C-10001"));
          localStorage.setItem("switchboard.conversations.aurora/C-10002", JSON.stringify([id]));
        }""")
        page.select_option("#who", index=1)
        page.locator("#past button").first.click()
        expect(page.get_by_role("alert")).to_contain_text("no such conversation")
        page.get_by_role("button", name="Start a new one").click()
        expect(page.locator("#welcome")).to_be_visible()


def test_everything_works_by_keyboard_alone(browser: Browser, url: str) -> None:
    with page_at(browser, url) as page:
        page.keyboard.press("Tab")
        page.locator(".skip").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#message")).to_be_focused()
        page.keyboard.type("My router blinks red,")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("what can I do?")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=completed]")
        expect(page.locator(".said")).to_contain_text("what can I do?")
        expect(page.locator("#message")).to_be_focused()
        for _ in range(40):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement.matches('.foot [data-trace]')"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("treeitem").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#trace")).not_to_be_visible()
        assert page.evaluate("document.activeElement.matches('.foot [data-trace]')"), "focus returns to the button"


def test_on_a_phone_a_real_answer_fits(browser: Browser, url: str) -> None:
    with page_at(browser, url, width=375, height=720) as page:
        ask(page, "I was charged twice and my router blinks red")
        assert page.evaluate(
            "document.querySelector('#main').scrollWidth <= document.querySelector('#main').clientWidth"
        )
        assert page.evaluate("document.documentElement.scrollWidth") == 375

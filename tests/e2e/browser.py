"""Headless Chromium for the page's tests. It is Debian's; Playwright only drives it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS_MAX = 10_000
NO_CHROMIUM = "Chromium is not installed, so the page cannot be tried: apt-get install chromium."


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips the test with a sentence where there is no Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_at(browser: Browser, url: str, *, width: int = 1280, height: int = 800, dark: bool = False) -> Iterator[Page]:
    """A fresh visitor's page; errors of its scripts fail the test at the end."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    context.set_default_timeout(WAIT_MS_MAX)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(url)
        page.wait_for_selector("#who option", state="attached")
        yield page
    finally:
        context.close()
    assert errors == []

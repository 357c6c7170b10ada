"""A real browser that looks at the pages of a real stack. Without Chromium, its tests are skipped.

pytest_plugins = ["tests.support.browser_fixtures"]

def test_a_page(pages: Pages) -> None:
    page = pages.open("/reports")
    expect(page.get_by_role("heading", name="Reports")).to_be_visible()
    pages.check_accessible(page)
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    ViewportSize,
    expect,
)

from tests.support.waiting import PATIENCE

_NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "browser tests need Chromium: apt-get install chromium"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
TABLET: ViewportSize = {"width": 820, "height": 1180}
# Playwright's own is 5 s: as long as some pages take to ask again.
expect.set_options(timeout=PATIENCE * 1000)
_TALLEST = 8000
"""Pixels."""
PHONE: ViewportSize = {"width": 360, "height": 740}


def find_chromium() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def launch(playwright: Playwright, executable: str) -> Browser:
    # as root, Chromium has no sandbox of its own
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    arguments = [*sandbox, "--no-proxy-server", "--disable-quic"]
    return playwright.chromium.launch(executable_path=executable, args=arguments)


@dataclass
class Pages:
    """Pages of one API. `problems`: what the browser complained of, such as errors of scripts and
    refusals by the policy."""

    browser: Browser
    url: str
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Parts of complaints that a test brings about, such as `503`."""
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str, **options: Any) -> Page:
        """In a context of its own; `options` are of `Browser.new_context`, such as
        `viewport=PHONE`,
        `color_scheme="dark"`, `java_script_enabled=False`."""
        page = self.new_page(**options)
        page.goto(path)
        return page

    def new_page(self, **options: Any) -> Page:
        context = self.browser.new_context(base_url=self.url, **{"viewport": DESKTOP, **options})
        context.set_default_timeout(PATIENCE * 1000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        return page

    def check_accessible(self, page: Page) -> None:
        """What axe finds is an error."""
        found = Axe().run(page).response["violations"]
        assert not found, "\n".join(
            f"{one['id']} ({one['impact']}): {one['help']}: "
            f"{[node['html'][:200] for node in one['nodes'][:5]]}"
            for one in found
        )

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")


@contextmanager
def opened_pages(browser: Browser, url: str) -> Iterator[Pages]:
    """A test in which the browser complained fails."""
    opened = Pages(browser, url)
    try:
        yield opened
    finally:
        opened.close()
    unexpected = [one for one in opened.problems if not any(part in one for part in opened.expected)]
    assert not unexpected, unexpected


def screenshot(page: Page, file: Path) -> None:
    """All of the page, but of one that is very long what is seen of it."""
    height: int = page.evaluate("document.documentElement.scrollHeight")
    page.screenshot(path=file, full_page=height <= _TALLEST, animations="disabled")

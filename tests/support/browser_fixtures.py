"""Fixtures of tests in a browser."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from local.stack import Stack
from tests.support.browser import MISSING, Pages, find_chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        # as root, Chromium has no sandbox of its own
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=executable, args=[*sandbox, "--no-proxy-server", "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture
def pages(chromium: Browser, stack: Stack) -> Iterator[Pages]:
    """Of the stack's API. A test in which the browser complained fails."""
    opened = Pages(chromium, stack.endpoints.api_url)
    yield opened
    opened.close()
    unexpected = [one for one in opened.problems if not any(part in one for part in opened.expected)]
    assert not unexpected, unexpected

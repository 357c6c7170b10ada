"""Fixtures of tests in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from local.stack import Stack
from tests.support.browser import MISSING, Pages, find_chromium, launch
from tests.support.lifecycle_stack import LifecycleStack


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = launch(playwright, executable)
        yield browser
        browser.close()


@pytest.fixture
def pages(chromium: Browser, stack: Stack) -> Iterator[Pages]:
    """Of the stack's API. A test in which the browser complained fails."""
    with _opened(chromium, stack.endpoints.api_url) as opened:
        yield opened


@pytest.fixture
def lifecycle_pages(chromium: Browser, lifecycle: LifecycleStack) -> Iterator[Pages]:
    """As `pages`, of the services that have kinds which go wrong."""
    with _opened(chromium, lifecycle.api_url) as opened:
        yield opened


@contextmanager
def _opened(browser: Browser, url: str) -> Iterator[Pages]:
    opened = Pages(browser, url)
    try:
        yield opened
    finally:
        opened.close()
    unexpected = [one for one in opened.problems if not any(part in one for part in opened.expected)]
    assert not unexpected, unexpected

"""Fixtures of tests in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from local.stack import Stack
from tests.support.access import Access, access, listening
from tests.support.browser import MISSING, Pages, find_chromium, launch, opened_pages
from tests.support.issuer import issuing, settings_to_sign_in
from tests.support.lifecycle_stack import LifecycleStack
from tests.support.lifecycle_store import Store


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
    with opened_pages(chromium, stack.endpoints.api_url) as opened:
        yield opened


@pytest.fixture
def lifecycle_pages(chromium: Browser, lifecycle: LifecycleStack) -> Iterator[Pages]:
    """As `pages`, of the services that have kinds which go wrong."""
    with opened_pages(chromium, lifecycle.api_url) as opened:
        yield opened


@pytest.fixture
def signing_in(
    chromium: Browser, store: Store, store_url: str, tmp_path: Path
) -> Iterator[tuple[Pages, Access]]:
    """Pages for which one signs in at an issuer, as alice, or sends a key."""
    _ = store
    with issuing() as issuer:
        settings = {**settings_to_sign_in(issuer), "listen": "127.0.0.1:8080"}
        with (
            access(store_url, tmp_path, **settings) as api,
            listening(api.client.application) as url,
            opened_pages(chromium, url) as pages,
        ):
            yield pages, api

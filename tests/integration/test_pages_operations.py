"""What is done to all reports that fit a filter, in a browser: asked before, and its progress shown."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.browser import PHONE, Pages
from tests.support.reports import QUICK
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.browser_fixtures"]

MANY = 120
"""More than a page of the list has."""


@pytest.fixture
def waiting(client: WaybillClient) -> Iterator[str]:
    """The tag of many reports that wait."""
    client.pause_kind("dowork", "for a test")
    for _ in range(MANY):
        client.request("dowork", QUICK, tags=["all-that-fit"])
    yield "all-that-fit"
    client.resume_kind("dowork")


def test_all_that_fit_are_cancelled_then_deleted(pages: Pages, client: WaybillClient, waiting: str) -> None:
    other = client.request("dowork", QUICK)
    page = pages.open(f"/reports?tag={waiting}&status=init")
    expect(page.get_by_role("link", name="Retry all matching reports")).to_have_count(0)
    page.get_by_role("link", name="Cancel all matching reports").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Cancel {MANY} reports?")
    expect(page.get_by_role("list", name="Which reports")).to_contain_text(f"tag {waiting}")
    pages.check_accessible(page)
    late = client.request("dowork", QUICK, tags=[waiting])
    page.get_by_role("button", name=f"Cancel {MANY}").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"{MANY} reports cancelled")
    expect(page).to_have_url(re.compile("/operations/"))
    pages.check_accessible(page)
    assert client.show(other.id).status == "init"
    assert client.show(late.id).status == "init", "it came after the question"

    page = pages.open(f"/reports?tag={waiting}&status=cancelled", java_script_enabled=False, viewport=PHONE)
    page.get_by_role("link", name="Delete all matching reports").click()
    expect(page.get_by_text("This cannot be undone")).to_be_visible()
    page.get_by_role("button", name=f"Delete {MANY}").click()
    heading = page.get_by_role("heading", level=1)
    for _ in range(100):
        if heading.inner_text() == f"{MANY} reports deleted":
            break
        page.wait_for_timeout(200)
        page.reload()
    expect(heading).to_have_text(f"{MANY} reports deleted")
    page.goto(f"/reports?tag={waiting}&status=cancelled")
    expect(page.get_by_role("heading", name="No report matches")).to_be_visible()


def test_it_is_offered_for_a_filter_alone(pages: Pages, client: WaybillClient) -> None:
    client.request("dowork", QUICK, tags=["one-of-all"])
    page = pages.open("/reports")
    expect(page.locator("[data-row]").first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("all matching reports"))).to_have_count(0)
    page.goto("/reports?tag=one-of-all")
    expect(page.get_by_role("link", name="Cancel all matching reports")).to_be_visible()
    page.goto("/reports/all?action=cancel&tag=nobody-has-this")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing to cancel")
    pages.check_accessible(page)
    pages.expected.append("422")
    page.goto("/reports/all?action=cancel")
    expect(page.get_by_text("would be all reports")).to_be_visible()

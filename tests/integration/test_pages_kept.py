"""What somebody has typed stays when the session ends, or the database is away for a moment; and a page says
when what it shows is not to be had any more."""

import re

import pytest
from playwright.sync_api import Page, expect

from producer_api.problems import Problem
from producer_api.web.routes import report
from tests.support.access import Access
from tests.support.browser import Pages
from waybill.errors import RetryableError

pytest_plugins = ["tests.support.browser_fixtures", "tests.support.lifecycle_fixtures"]


def type_a_request(page: Page) -> None:
    page.get_by_label("Max step ms").fill("77")
    page.get_by_text("More options", exact=True).click()
    page.get_by_label(re.compile("^Tags")).fill("kept")


def check_requested(page: Page) -> None:
    expect(page).to_have_url(re.compile("/reports/[0-9a-f-]{36}$"))
    expect(page.get_by_role("row", name="max_step_ms")).to_contain_text("77")
    expect(page.get_by_role("link", name="kept")).to_be_visible()


def test_a_form_whose_session_has_ended_is_sent_after_a_sign_in_in_another_tab(
    signing_in: tuple[Pages, Access],
) -> None:
    pages, _ = signing_in
    pages.expected.append("401")
    page = pages.open("/reports/new?kind=dowork")
    type_a_request(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Request report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    pages.check_accessible(page)

    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in in another tab").click()
    expect(opened.value.locator(".account")).to_contain_text("alice")
    page.get_by_role("button", name="Send it again").click()

    check_requested(page)


def test_a_form_is_sent_again_once_the_database_answers(
    signing_in: tuple[Pages, Access], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, api = signing_in
    pages.expected.append("503")
    page = pages.open("/reports/new?kind=dowork")
    type_a_request(page)

    def away(*_: object) -> None:
        raise RetryableError("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(api.services.ledger, "accept", away)
        page.get_by_role("button", name="Request report").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The service is temporarily unavailable")
    page.get_by_role("button", name="Send it again").click()

    check_requested(page)


def test_a_live_page_says_that_its_session_has_ended_and_goes_on_after_a_sign_in(
    signing_in: tuple[Pages, Access],
) -> None:
    pages, _ = signing_in
    page = pages.open("/reports")
    expect(page.locator("#connection")).to_have_text("Live")

    page.context.clear_cookies()
    expect(page.locator("#connection")).to_have_text("Signed out: reload to sign in")

    page.context.new_page().goto("/reports")
    page.bring_to_front()
    expect(page.locator("#connection")).to_have_text("Live")


def test_a_live_page_says_that_its_report_is_gone(
    signing_in: tuple[Pages, Access], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, _ = signing_in
    pages.expected.append("404")
    page = pages.open("/reports/new?kind=dowork")
    page.get_by_role("button", name="Request report").click()
    expect(page.locator("#connection")).to_have_text("Live")

    def gone(*_: object) -> None:
        raise Problem("no-such-report", "It was removed.")

    monkeypatch.setattr(report, "find_report", gone)

    expect(page.locator("#connection")).to_have_text("Not here any more")


def test_a_sign_in_leads_back_whatever_the_address(signing_in: tuple[Pages, Access]) -> None:
    pages, _ = signing_in
    page = pages.open("/reports?tag=a\\b")
    expect(page.get_by_label("Tag", exact=True)).to_have_value("a\\b")

    page.context.clear_cookies()
    page.goto(f"/reports?q={'long' * 300}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reports")

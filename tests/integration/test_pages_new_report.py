"""A report is requested by a form that is made of its kind's JSON Schema."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, Pages
from waybill_client import Report, WaybillClient

pytest_plugins = ["tests.support.browser_fixtures"]


def requested(page: Page, client: WaybillClient) -> Report:
    """The report whose page is shown."""
    expect(page).to_have_url(re.compile("/reports/[0-9a-f-]{36}$"))
    return client.show(page.url.rpartition("/")[2])


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "without scripts"])
def test_from_the_list_to_a_report_of_ones_own(pages: Pages, client: WaybillClient, scripts: bool) -> None:
    page = pages.open("/reports", java_script_enabled=scripts, viewport=PHONE)
    page.get_by_role("link", name="New report").click()
    page.get_by_role("link", name="Departures from New York").click()
    page.get_by_label("Month").fill("7")
    page.get_by_label("JFK").check()
    page.get_by_text("More", exact=True).click()
    page.get_by_label(re.compile("^Tags")).fill("by-hand, july")
    page.get_by_role("button", name="Request report").click()

    report = requested(page, client)
    assert (report.kind, report.parameters["month"], report.parameters["airport"]) == ("flights", 7, "JFK")
    assert set(report.tags) == {"by-hand", "july"}


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(pages: Pages) -> None:
    pages.expected.append("422")
    page = pages.open("/reports/new?kind=dowork")
    page.get_by_label("Steps").fill("0")
    page.get_by_label("Max Step Ms").fill("77")
    page.get_by_role("button", name="Request report").click()

    expect(page.get_by_role("alert")).to_contain_text("The report was not requested")
    expect(page.get_by_label("Steps")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Steps")).to_have_value("0")
    expect(page.get_by_label("Max Step Ms")).to_have_value("77")
    expect(page.locator("[id='p.steps-error']")).to_contain_text("greater than or equal to 1")
    pages.check_accessible(page)


def test_a_form_that_is_sent_twice_requests_one_report(pages: Pages, client: WaybillClient) -> None:
    page = pages.open("/reports/new?kind=dowork&p.steps=2&p.failing_step=")
    page.get_by_role("button", name="Request report").click()
    first = requested(page, client)
    page.go_back()
    page.get_by_role("button", name="Request report").click()

    assert requested(page, client).id == first.id


def test_a_form_that_is_changed_after_going_back_is_another_report(
    pages: Pages, client: WaybillClient
) -> None:
    page = pages.open("/reports/new?kind=dowork&p.steps=2&p.max_step_ms=0")
    page.get_by_role("button", name="Request report").click()
    first = requested(page, client)
    page.go_back()
    page.get_by_label("Steps", exact=True).fill("3")
    page.get_by_role("button", name="Request report").click()
    page.wait_for_url(lambda url: str(first.id) not in url and "/new" not in url)
    second = requested(page, client)
    assert (first.parameters["steps"], second.parameters["steps"]) == (2, 3)


def test_an_address_fills_in_the_form(pages: Pages, client: WaybillClient) -> None:
    page = pages.open("/reports/new?kind=dowork&p.steps=4&p.max_step_ms=5")
    expect(page.get_by_label("Steps")).to_have_value("4")
    link = page.get_by_role("button", name="Copy link to this form").get_attribute("data-copy") or ""

    again = pages.open(link)
    expect(again.get_by_label("Max Step Ms")).to_have_value("5")
    expect(again.get_by_label("Steps")).to_have_value("4")


def test_a_report_is_run_again_with_changes(pages: Pages, client: WaybillClient) -> None:
    earlier = client.request("dowork", {"steps": 3, "failing_step": None, "max_step_ms": 1}, tags=["again"])
    page = pages.open(f"/reports/{earlier.id}")
    page.get_by_role("link", name="Run again with changes").click()
    expect(page.get_by_label("Steps")).to_have_value("3")
    expect(page.get_by_label("Failing Step")).to_have_value("")
    page.get_by_label("Steps").fill("4")
    page.get_by_role("button", name="Request report").click()

    report = requested(page, client)
    assert report.rerun_of == earlier.id
    assert report.parameters == {"steps": 4, "failing_step": None, "max_step_ms": 1}
    assert list(report.tags) == ["again"]


def test_parameters_are_kept_used_and_removed(pages: Pages, client: WaybillClient) -> None:
    page = pages.open("/reports/new?kind=dowork&p.steps=6")
    page.get_by_text("Keep these parameters").click()
    page.get_by_label("Name").fill("six steps")
    page.get_by_role("button", name="Keep", exact=True).click()

    expect(page.get_by_role("link", name="six steps")).to_be_visible()
    assert client.parameter_set("dowork", "six steps").parameters["steps"] == 6
    page.goto("/reports/new?kind=dowork")
    expect(page.get_by_label("Steps", exact=True)).to_have_value("10")
    page.get_by_role("link", name="six steps").click()
    expect(page.get_by_label("Steps", exact=True)).to_have_value("6")
    pages.check_accessible(page)
    page.get_by_role("button", name="Remove: six steps").click()
    expect(page.get_by_role("link", name="six steps")).to_have_count(0)


def test_a_kind_that_is_not_there_is_said(pages: Pages) -> None:
    pages.expected.append("404")
    page = pages.open("/reports/new?kind=nothing")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such kind of report")

"""A report is requested by a form that is made of its kind's JSON Schema."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, Pages
from waybill_client import Report, WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]


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
    page.get_by_text("More options", exact=True).click()
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
    expect(page.locator("[id='p.steps-error']")).to_have_text("Must be at least 1.")
    pages.check_accessible(page)


def test_each_error_leads_to_its_field_and_is_said_in_plain_words(pages: Pages) -> None:
    pages.expected.append("422")
    page = pages.open("/reports/new?kind=flights&p.month=13&p.carrier=b6&p.first_day=2012-01-01")
    page.get_by_text("More options", exact=True).click()
    page.get_by_label(re.compile("^Tags")).fill("x" * 51)
    page.get_by_label(re.compile("^Priority")).fill("9")
    page.get_by_role("button", name="Request report").click()
    errors = page.get_by_role("alert")
    expect(errors.get_by_role("link")).to_have_text(["Tags", "Priority"])
    check_links(page)
    pages.check_accessible(page)

    page.get_by_label(re.compile("^Tags")).fill("")
    page.get_by_label(re.compile("^Priority")).fill("1")
    page.get_by_role("button", name="Request report").click()
    expect(errors).to_contain_text("Month: Must be at most 12.")
    expect(errors).to_contain_text("Carrier: Must match the pattern ^[A-Z0-9]{2}$.")
    check_links(page)

    page.get_by_label("Month").fill("7")
    page.get_by_label("Carrier").fill("B6")
    page.get_by_label("First day").fill("2013-07-01")
    page.get_by_role("button", name="Request report").click()
    expect(errors).to_contain_text("not both")
    check_links(page)
    pages.check_accessible(page)


def test_a_wrong_file_type_leads_to_the_choice_of_files(lifecycle_pages: Pages) -> None:
    pages = lifecycle_pages
    pages.expected.append("422")
    page = pages.open("/reports/new?kind=several")
    page.locator("input[name=outputs]").first.evaluate("box => { box.value = 'gif'; box.checked = true }")
    page.get_by_role("button", name="Request report").click()
    expect(page.get_by_role("alert").get_by_role("link")).to_have_text(["Files"])
    check_links(page)
    pages.check_accessible(page)


def check_links(page: Page) -> None:
    """Each link of the list of errors goes to an element that is there, and to be seen."""
    for link in page.get_by_role("alert").get_by_role("link").all():
        target = (link.get_attribute("href") or "").removeprefix("#")
        expect(page.locator(f"[id='{target}']")).to_be_visible()
        expect(page.locator(f"[id='{target}-error']")).to_be_visible()


def test_parameters_that_are_not_kept_keep_the_name_that_was_typed(pages: Pages) -> None:
    pages.expected.append("422")
    page = pages.open("/reports/new?kind=dowork")
    page.get_by_text("Save these parameters").click()
    page.get_by_label("Name", exact=True).fill("a/b")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The parameters were not saved.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("a/b")
    check_links(page)


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
    page.get_by_text("Save these parameters").click()
    page.get_by_label("Name").fill("six steps")
    page.get_by_role("button", name="Save", exact=True).click()

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


def test_a_link_fills_in_several_values_of_a_parameter_that_takes_them(lifecycle_pages: Pages) -> None:
    page = lifecycle_pages.open("/reports/new?kind=several&p.names=a.txt&p.names=b.txt")
    expect(page.get_by_label(re.compile("^Names"))).to_have_value("a.txt\nb.txt")

    lifecycle_pages.expected.append("422")
    page.goto("/reports/new?kind=flights&p.month=1&p.month=2")
    expect(page.get_by_role("main")).to_contain_text("p.month: must be given once")


def test_a_link_fills_in_what_was_emptied(pages: Pages, client: WaybillClient) -> None:
    page = pages.open("/reports/new?kind=dowork&p.failing_step=&p.steps=1&p.max_step_ms=0")
    expect(page.get_by_label("Failing step")).to_have_value("")
    page.get_by_role("button", name="Request report").click()
    assert requested(page, client).parameters["failing_step"] is None
    page.goto("/reports/new?kind=dowork")
    expect(page.get_by_label("Failing step")).to_have_value("5")
    page.get_by_role("link", name="steps 1, max_step_ms 0").click()
    expect(page.get_by_label("Failing step")).to_have_value("")


def test_what_is_too_large_for_a_request_is_said_and_kept(pages: Pages, client: WaybillClient) -> None:
    pages.expected.append("413")
    page = pages.open("/reports/new?kind=dowork")
    page.get_by_label("Max step ms").fill("77")
    page.get_by_text("More options", exact=True).click()
    page.get_by_label(re.compile("^Tags")).fill("x" * 300_000)
    page.get_by_role("button", name="Request report").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("The body is too large")
    page.go_back()
    expect(page.get_by_label("Max step ms")).to_have_value("77")


def test_a_report_that_is_gone_takes_nothing_of_what_is_typed_with_it(
    pages: Pages, client: WaybillClient
) -> None:
    pages.expected.append("422")
    earlier = client.request("dowork", {"steps": 1, "failing_step": None, "max_step_ms": 0})
    page = pages.open(f"/reports/new?rerun_of={earlier.id}")
    list(client.follow(earlier.id))
    client.delete(earlier.id)
    page.get_by_label("Max step ms").fill("7")
    page.get_by_role("button", name="Request report").click()
    expect(page.get_by_role("alert")).to_contain_text("The earlier report is not there any more")
    expect(page.get_by_label("Max step ms")).to_have_value("7")

    page.get_by_role("button", name="Request report").click()
    report = requested(page, client)
    assert (report.rerun_of, report.parameters["max_step_ms"]) == (None, 7)

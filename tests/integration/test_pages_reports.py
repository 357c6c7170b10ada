"""The list of reports in a browser: it is live, filters stay in the address, several are changed at once."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import psycopg
import pytest
from playwright.sync_api import Dialog, expect

from local.stack import Stack
from tests.bench.backlog import copy_last
from tests.support.browser import PHONE, Pages
from tests.support.reports import QUICK, ended, run
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.browser_fixtures"]


@pytest.fixture
def paused(client: WaybillClient) -> Iterator[None]:
    """Reports wait."""
    client.pause_kind("dowork", "for a test")
    yield
    client.resume_kind("dowork")


def test_a_report_comes_and_ends_without_a_reload(pages: Pages, client: WaybillClient) -> None:
    page = pages.open("/reports")

    report = run(client, parameters={**QUICK, "steps": 3})

    shown = page.locator(f"#report-{report.id}")
    expect(shown).to_contain_text("Do work")
    expect(shown).to_contain_text("Done")


def test_filters_are_in_the_address_and_stay_when_one_goes_back(pages: Pages, client: WaybillClient) -> None:
    mine = client.request("dowork", {**QUICK, "steps": 7}, tags=["browser-filter"])
    other = client.request("dowork", QUICK)
    page = pages.open("/reports")

    page.get_by_label("Tag", exact=True).fill("browser-filter")
    page.get_by_label("Parameter").fill("steps=7")
    page.get_by_role("button", name="Find").click()

    expect(page).to_have_url(re.compile("tag=browser-filter"))
    expect(page.locator(f"#report-{mine.id}")).to_be_visible()
    expect(page.locator(f"#report-{other.id}")).to_have_count(0)
    page.locator(f"#report-{mine.id} a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Do work")
    page.go_back()
    expect(page.get_by_label("Parameter")).to_have_value("steps=7")
    expect(page.locator(f"#report-{mine.id}")).to_be_visible()
    page.get_by_role("link", name="Remove: tag browser-filter").click()
    expect(page).not_to_have_url(re.compile("tag="))
    expect(page.get_by_label("Parameter")).to_have_value("steps=7")


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("parameter=month", "Parameter", "Must be like month=7"),
        ("created_after=yesterday", "Requested since", "Must be a time with its zone"),
    ],
)
def test_a_wrong_filter_is_said_beside_its_field(pages: Pages, query: str, field: str, words: str) -> None:
    pages.expected.append("422")
    page = pages.open(f"/reports?{query}")

    expect(page.get_by_label(re.compile(f"^{field}"))).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text(words)).to_be_visible()
    pages.check_accessible(page)


def test_a_link_s_time_that_is_not_known_is_said(pages: Pages) -> None:
    pages.expected.append("422")
    page = pages.open("/reports?within=never")
    expect(page.get_by_text("Must be one of 1h, 24h, 7d, 30d")).to_be_visible()
    pages.check_accessible(page)


@pytest.mark.parametrize(
    ("scripts", "sent"),
    [(True, "2026-11-23T17:00:00Z"), (False, "2026-11-23T12:00:00Z")],
    ids=["in the viewer's zone", "without scripts in UTC"],
)
def test_reports_are_found_by_the_time_of_their_request(pages: Pages, scripts: bool, sent: str) -> None:
    page = pages.open("/reports?status=done", java_script_enabled=scripts, timezone_id="America/New_York")
    page.get_by_text("Other times").click()
    page.get_by_label(re.compile("^Requested since")).fill("2026-11-23T12:00")
    page.get_by_label("Tag", exact=True).fill("by-time")
    page.get_by_role("button", name="Find").click()

    page.wait_for_url(address({"status": "done", "tag": "by-time", "created_after": sent}))
    shown = re.compile("2026-11-23T12:00")
    expect(page.get_by_label(re.compile("^Requested since"))).to_have_value(shown)
    chip = page.get_by_role("link", name="Remove: requested since")
    expect(chip).to_contain_text("23 Nov, 12:00:00" if scripts else "23 Nov")

    page.get_by_role("link", name="Last 7 days").click()
    page.wait_for_url(address({"status": "done", "tag": "by-time", "within": "7d"}))
    expect(page.get_by_role("link", name="Last 7 days", exact=True)).to_have_attribute("aria-current", "true")
    page.get_by_text("Other times").click()
    page.get_by_label(re.compile("^Requested before")).fill("2026-11-23T12:00")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url(address({"status": "done", "tag": "by-time", "created_before": sent}))

    page.go_back()
    expect(page.get_by_label(re.compile("^Requested before"))).to_have_value("")
    page.go_back()
    expect(page.get_by_label(re.compile("^Requested since"))).to_have_value(shown)
    expect(page.get_by_label("Tag", exact=True)).to_have_value("by-time")
    page.go_back()
    expect(page.get_by_label(re.compile("^Requested since"))).to_have_value("")
    expect(page.get_by_label("Tag", exact=True)).to_have_value("")


def address(fields: dict[str, str]) -> Callable[[str], bool]:
    """Of the list, with these fields and no other."""
    return lambda url: dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == fields


def test_a_phone_has_its_filters_behind_one_line_and_what_holds_in_sight(pages: Pages) -> None:
    page = pages.open("/reports?status=cancelled&tag=nothing", viewport=PHONE)

    expect(page.get_by_role("link", name="Cancelled", exact=True)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="Remove: tag nothing")).to_be_visible()
    expect(page.get_by_label("Tag", exact=True)).to_be_hidden()
    page.get_by_text("More filters").click()
    page.get_by_label("Tag", exact=True).fill("another")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url(address({"status": "cancelled", "tag": "another"}))
    pages.check_accessible(page)


def test_a_phone_shows_the_field_in_which_something_is_wrong(pages: Pages) -> None:
    pages.expected.append("422")
    page = pages.open("/reports?parameter=month", viewport=PHONE)
    expect(page.get_by_label("Parameter")).to_be_visible()


def test_an_id_that_is_searched_for_leads_to_its_report(pages: Pages, client: WaybillClient) -> None:
    report = run(client)
    page = pages.open("/reports")
    page.keyboard.press("/")
    page.keyboard.type(str(report.id))
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"/reports/{report.id}$"))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_at_the_end_of_all_years_is_refused(pages: Pages, moment: str) -> None:
    pages.expected.append("422")
    page = pages.open(f"/reports?created_after={quote(moment)}")

    expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
    expect(page.locator(".problem").first).to_contain_text("1 to 9999")
    expect(page.locator(".chips").last).to_contain_text(moment)


def test_many_are_cancelled_with_a_question_that_says_how_many(
    pages: Pages, client: WaybillClient, paused: None
) -> None:
    reports = [client.request("dowork", QUICK, tags=["to-cancel"]) for _ in range(3)]
    page = pages.open("/reports?tag=to-cancel&status=init")
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept()

    page.on("dialog", answer)
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Cancel (3)").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("3 of 3 reports cancelled")
    assert questions == ["Cancel 3 reports?"]
    assert {client.show(one.id).status for one in reports} == {"cancelled"}


def test_what_is_chosen_can_be_acted_on_after_going_back(pages: Pages, client: WaybillClient) -> None:
    tag = "going-back"
    client.request("dowork", {"steps": 1, "failing_step": None, "max_step_ms": 0}, tags=[tag])
    page = pages.open(f"/reports?tag={tag}")
    page.get_by_role("checkbox", name=re.compile("^Choose Do work")).first.check()
    page.get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/reports/[0-9a-f-]{36}$"))
    page.go_back()

    expect(page.get_by_role("checkbox", name=re.compile("^Choose Do work")).first).to_be_checked()
    expect(page.get_by_role("button", name="Cancel (1)")).to_be_enabled()


def test_without_scripts_a_page_asks(pages: Pages, client: WaybillClient, paused: None) -> None:
    report = client.request("dowork", QUICK, tags=["no-script"])
    page = pages.open("/reports?tag=no-script", java_script_enabled=False, viewport=PHONE)
    page.locator(f"#report-{report.id}").get_by_role("checkbox").check()
    page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel 1 report?")
    assert client.show(report.id).status == "init"
    page.get_by_role("button", name="Cancel 1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 1 report cancelled")
    assert client.show(report.id).status == "cancelled"


def test_a_thousand_reports_are_read_page_by_page(
    pages: Pages, client: WaybillClient, http: httpx.Client, stack: Stack
) -> None:
    body = {"kind": "dowork", "parameters": QUICK, "tags": ["thousand"]}
    ended(client, http.post("/api/v1/reports", json=body).json()["id"])
    with psycopg.connect(stack.endpoints.database_url) as connection:
        copy_last(connection, 999, messages=False)
    page = pages.open("/reports?tag=thousand")
    seen = 0
    while True:
        expect(page.locator("tr[data-row]").first).to_be_visible()
        seen += page.locator("tr[data-row]").count()
        older = page.get_by_role("link", name="Older")
        if older.count() == 0:
            break
        older.click()
        page.wait_for_load_state()
    assert seen == 1000


def test_a_report_that_runs_says_when_it_is_expected_to_end(pages: Pages, client: WaybillClient) -> None:
    for _ in range(5):
        run(client)
    report = client.request("dowork", {"steps": 20, "failing_step": None, "max_step_ms": 600})
    page = pages.open(f"/reports/{report.id}")

    expect(page.get_by_text("estimated from the last")).to_be_visible()
    expect(page.get_by_text("Should end between")).to_be_visible()
    client.cancel(report.id)
    expect(page.get_by_text("estimated from the last")).to_have_count(0)

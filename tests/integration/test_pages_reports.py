"""The list of reports in a browser: it is live, filters stay in the address, several are changed at once."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, expect

from tests.support.browser import PHONE, Pages
from tests.support.reports import QUICK, run
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
    expect(shown).to_contain_text("Do work", timeout=15_000)
    expect(shown).to_contain_text("Done", timeout=15_000)


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
        ("parameter=month", "Parameter", "must be like month=7"),
        ("within=never", "Requested", "must be one of"),
    ],
)
def test_a_wrong_filter_is_said_beside_its_field(pages: Pages, query: str, field: str, words: str) -> None:
    pages.expected.append("422")
    page = pages.open(f"/reports?{query}")

    expect(page.get_by_label(field)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text(words)).to_be_visible()
    pages.check_accessible(page)


def test_an_id_that_is_searched_for_leads_to_its_report(pages: Pages, client: WaybillClient) -> None:
    report = run(client)
    page = pages.open("/reports")
    page.keyboard.press("/")
    page.keyboard.type(str(report.id))
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"/reports/{report.id}$"))


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

    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel: 3 of 3 done")
    assert questions == ["Cancel 3 of them?"]
    assert {client.show(one.id).status for one in reports} == {"cancelled"}


def test_without_scripts_a_page_asks(pages: Pages, client: WaybillClient, paused: None) -> None:
    report = client.request("dowork", QUICK, tags=["no-script"])
    page = pages.open("/reports?tag=no-script", java_script_enabled=False, viewport=PHONE)
    page.locator(f"#report-{report.id}").get_by_role("checkbox").check()
    page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel 1 report?")
    assert client.show(report.id).status == "init"
    page.get_by_role("button", name="Cancel 1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel: 1 of 1 done")
    assert client.show(report.id).status == "cancelled"


def test_a_thousand_reports_are_read_page_by_page(pages: Pages, client: WaybillClient, paused: None) -> None:
    for _ in range(1000):
        client.request("dowork", QUICK, tags=["thousand"])
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

    expect(page.get_by_text("an estimate from")).to_be_visible()
    expect(page.get_by_text("expected to end between")).to_be_visible()
    client.cancel(report.id)
    expect(page.get_by_text("an estimate from")).to_have_count(0)

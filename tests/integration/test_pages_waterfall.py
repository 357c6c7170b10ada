"""Where a report's time went, in a browser: live, and whatever becomes of its workers."""

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from local.probes import has_pages
from local.stack import Stack
from tests.support import lifecycle as ask
from tests.support.browser import DESKTOP, PHONE, Pages, screenshot
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.reports import QUICK, run
from tests.support.waiting import eventually
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]


TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def pictures() -> Path | None:
    """Where they are wanted: `WAYBILL_PICTURES`, a folder."""
    folder = os.environ.get("WAYBILL_PICTURES")
    return Path(folder) if folder else None


def taken(page: Page, pictures: Path | None, name: str) -> None:
    if pictures:
        screenshot(page, pictures / f"{name}.png")


def attempts(page: Page) -> list[str]:
    rows = page.locator("#waterfall details.wf-attempt > summary .wf-name").all_inner_texts()
    return [" ".join(re.sub("[▸▾]", "", row).split()) for row in rows]


def test_a_report_whose_worker_is_killed_twice(
    api: httpx.Client, lifecycle: LifecycleStack, lifecycle_pages: Pages, pictures: Path | None
) -> None:
    report_id = ask.request(api, "slow", steps=6, seconds=1.2)
    page = lifecycle_pages.open(f"/reports/{report_id}")
    expect(page.locator("#waterfall [data-grows]").first).to_be_attached()
    ask.running(api, report_id)
    expect(page.locator("#waterfall details.wf-step")).not_to_have_count(0)
    width = page.locator("#waterfall details.wf-attempt [data-took]").first.inner_text()
    expect(page.locator("#waterfall details.wf-attempt [data-took]").first).not_to_have_text(width)
    taken(page, pictures, "killed-0")

    for attempt in (1, 2):
        with lifecycle.killed(WORKER):
            pass
        lost = page.locator("#waterfall details.wf-attempt > summary .wf-silent")
        expect(lost).to_have_count(attempt)
        # its next one
        expect(page.locator("#waterfall details.wf-attempt")).to_have_count(attempt + 1)
        taken(page, pictures, f"killed-{attempt}")

    ask.ended(api, report_id)
    expect(page.locator("#waterfall[data-runs]")).to_have_count(0)
    assert attempts(page) == ["Attempt 1 worker lost", "Attempt 2 worker lost", "Attempt 3"]
    legend = page.get_by_role("list", name="In all")
    for words in ("in Kafka", "work", "until a lost worker was noticed"):
        expect(legend).to_contain_text(words)
    lifecycle_pages.check_accessible(page)
    taken(page, pictures, "killed-3")

    page.get_by_role("link", name="Zoom in on Attempt 3").click()
    expect(page.locator("#waterfall")).to_contain_text("Attempt 3, from its start")
    last = page.locator("#waterfall details.wf-attempt").last
    expect(last.locator("> summary rect.wf-fill")).to_have_attribute("width", "100.0%")
    lifecycle_pages.check_accessible(page)
    taken(page, pictures, "killed-3-alone")
    page.get_by_role("link", name="Zoom out").click()
    expect(page.locator("#waterfall")).not_to_contain_text("from its start")


def test_the_step_that_failed_has_its_error_and_its_last_lines(
    lifecycle_pages: Pages, reports: WaybillClient, pictures: Path | None
) -> None:
    report = run(reports, "raise_one", {"how": "long"})
    page = lifecycle_pages.open(f"/reports/{report.id}", color_scheme="dark")

    failed = page.locator("#waterfall details.wf-step.wf-bad")
    expect(failed).to_have_attribute("open", "")
    expect(failed.locator(".problem")).to_be_visible()
    lifecycle_pages.check_accessible(page)
    taken(page, pictures, "failed-dark")


def test_the_last_lines_of_a_failed_step_stand_beside_its_error(
    lifecycle_pages: Pages, reports: WaybillClient
) -> None:
    report = run(reports, "writer", {"text": "the price list is empty", "fails": True})
    page = lifecycle_pages.open(f"/reports/{report.id}")

    failed = page.locator("#waterfall details.wf-step.wf-bad")
    expect(failed.locator(".problem")).to_contain_text("the price list is empty")
    expect(failed.get_by_label("Last lines of the price list is empty")).to_have_text(
        "the price list is empty"
    )
    lifecycle_pages.check_accessible(page)


def test_a_thousand_steps_are_some_rows(pages: Pages, client: WaybillClient) -> None:
    report = run(client, "dowork", {"steps": 1000, "failing_step": 700, "max_step_ms": 0})
    page = pages.open(f"/reports/{report.id}")
    waterfall = page.locator("#waterfall")

    expect(waterfall.locator("details.wf-step.wf-bad > summary").last).to_contain_text("doWork:700")
    expect(waterfall).to_contain_text(re.compile(f"{TIMES}(1000|[1-9][0-9]{{2}})"))
    assert waterfall.locator("li").count() < 300
    pages.check_accessible(page)
    group = waterfall.locator("details.wf-step > summary", has_text=TIMES).first
    group.click()
    expect(waterfall).to_contain_text("longest are shown, of")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_what_a_bar_is_hides_neither_its_row_nor_the_next(
    lifecycle_pages: Pages, reports: WaybillClient, size: ViewportSize, pictures: Path | None
) -> None:
    report = run(reports, "writer", {"text": "some"})
    page = lifecycle_pages.open(f"/reports/{report.id}", viewport=size)
    rows = page.locator("#waterfall summary[data-tip]")
    tip = page.locator("#wf-tip")

    def check(number: int) -> None:
        expect(tip).to_have_text(rows.nth(number).get_attribute("data-tip") or "")
        shown, row = tip.bounding_box(), rows.nth(number).bounding_box()
        assert shown
        assert row
        assert 0 <= shown["y"] < shown["y"] + shown["height"] <= row["y"]
        assert shown["x"] >= 0
        assert shown["x"] + shown["width"] <= size["width"]

    assert rows.count() >= 4
    for number in (0, 2, 3):
        rows.nth(number).hover()
        check(number)
    taken(page, pictures, f"tip-{size['width']}")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()

    rows.nth(3).focus()
    check(3)
    page.keyboard.press("Shift+Tab")
    expect(tip).not_to_have_text(rows.nth(3).get_attribute("data-tip") or "")
    page.keyboard.press("Tab")
    check(3)
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_what_a_bar_is_and_the_focus_stay_while_the_report_runs(
    lifecycle_pages: Pages, api: httpx.Client
) -> None:
    report_id = ask.request(api, "slow", steps=60, seconds=1)
    ask.running(api, report_id)
    page = lifecycle_pages.open(f"/reports/{report_id}")
    page.evaluate(
        "document.addEventListener('waybill:updated', () => { window.updates = (window.updates ?? 0) + 1; })"
    )
    row = page.locator("#waterfall summary[data-tip]").first
    row.focus()
    expect(page.locator("#wf-tip")).to_be_visible()

    eventually(lambda: page.evaluate("window.updates ?? 0") >= 2, "two updates of the page")

    expect(page.locator("#wf-tip")).to_be_visible()
    expect(row).to_be_focused()
    api.post(f"/api/v1/reports/{report_id}:cancel").raise_for_status()
    expect(page.locator("#head .status")).to_have_text("Cancelled")
    expect(row).to_be_focused()


def test_nothing_moves_for_those_who_do_not_want_it(lifecycle_pages: Pages, api: httpx.Client) -> None:
    report_id = ask.request(api, "slow", steps=60, seconds=1)
    ask.running(api, report_id)
    moving = lifecycle_pages.open(f"/reports/{report_id}")
    calm = lifecycle_pages.open(f"/reports/{report_id}", reduced_motion="reduce")
    for page, animated in ((moving, True), (calm, False)):
        expect(page.locator(".status.processing").first).to_be_visible()
        assert page.evaluate("document.getAnimations().length > 0") is animated
    api.post(f"/api/v1/reports/{report_id}:cancel").raise_for_status()
    ask.ended(api, report_id)


def test_times_are_jaegers_or_the_databases_as_it_says(
    stack: Stack, pages: Pages, client: WaybillClient, pictures: Path | None
) -> None:
    report = run(client, "dowork", QUICK)
    page = pages.open(f"/reports/{report.id}", viewport=PHONE)
    source = page.locator("#waterfall")

    def from_jaeger() -> bool:
        page.reload()
        return "Times from Jaeger" in source.inner_text()

    eventually(from_jaeger, "the trace in Jaeger")
    expect(source).to_contain_text("POST /api/v1/reports")
    expect(source).to_contain_text("doWork:1")
    expect(source).not_to_contain_text("report_consumer")
    link = source.get_by_role("link", name="This trace in Jaeger")
    if has_pages(stack.endpoints.jaeger_url):
        expect(link).to_have_attribute("href", f"{stack.endpoints.jaeger_url}/trace/{report.trace_id}")
    else:
        expect(link).to_have_count(0)
        expect(source).to_contain_text("No link to Jaeger: it was built without its pages")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    pages.check_accessible(page)
    taken(page, pictures, "jaeger-phone")
    if pictures:
        taken(pages.open(f"/reports/{report.id}"), pictures, "jaeger")

    stack.stop_part("jaeger")
    try:
        page.reload()
        expect(source).to_contain_text("Times from the database: Jaeger does not answer")
        expect(source).to_contain_text("doWork:1")
        in_kafka = source.locator("summary", has_text="In Kafka")
        in_kafka.click()
        expect(source.get_by_text("no worker has read it yet")).to_be_visible()
    finally:
        stack.start_part("jaeger")

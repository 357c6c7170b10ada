"""What one report's page says while it waits, or its worker is silent: what is missing is really missing."""

import os
import re
from dataclasses import replace

from playwright.sync_api import Page, expect

from local.stack import Stack
from tests.support.browser import Pages
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.reports import QUICK
from tests.support.waiting import eventually
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]


def says(page: Page, words: str) -> None:
    expect(page.locator("#head .notice")).to_contain_text(words)


def ends_done(page: Page) -> None:
    expect(page.locator("#head .status")).to_have_text("Done")
    expect(page.locator("#head .notice")).to_have_count(0)


def test_without_kafka_it_says_so_and_then_goes_on_by_itself(
    pages: Pages, client: WaybillClient, stack: Stack
) -> None:
    stack.stop_part("kafka")
    try:
        report = client.request("dowork", QUICK)
        page = pages.open(f"/reports/{report.id}")

        says(page, "Waits for Kafka, which does not answer. The report is kept, and goes on by itself.")
        expect(page.locator("#head")).not_to_contain_text("a free slot")
        pages.check_accessible(page)
        pages.open("/reports").get_by_text("waits for Kafka, which does not answer").first.wait_for()
    finally:
        stack.start_part("kafka")
    ends_done(page)


def test_without_a_worker_it_says_so(
    lifecycle_pages: Pages, reports: WaybillClient, lifecycle: LifecycleStack
) -> None:
    part = lifecycle.runner.node(WORKER)
    lifecycle.runner.stop_part(WORKER)
    try:
        report = reports.request("slow", {"steps": 1, "seconds": 0})
        page = lifecycle_pages.open(f"/reports/{report.id}")

        says(
            page,
            "Waits for a worker: none is there. The report is kept, and goes on by itself once there is one.",
        )
        lifecycle_pages.check_accessible(page)
    finally:
        lifecycle.runner.start_part(part)
    ends_done(page)


def test_where_no_worker_offers_its_kind_it_is_said_before_and_after_the_request(
    lifecycle_pages: Pages, reports: WaybillClient, lifecycle: LifecycleStack
) -> None:
    """The worker that is there has only the kinds of Waybill, as one of another version."""
    part = lifecycle.runner.node(WORKER)
    without = {**lifecycle.settings, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    lifecycle.runner.stop_part(WORKER)
    try:
        with replace(lifecycle, settings=without).second_worker():
            eventually(lambda: _offered_by(reports) == {"slow": 0, "dowork": 1}, "the row of that worker")
            for path in ("/kinds/slow", "/reports/new?kind=slow&p.steps=1&p.seconds=60"):
                page = lifecycle_pages.open(path)
                expect(page.locator("main .notice")).to_contain_text("No worker offers this kind. A report")
                lifecycle_pages.check_accessible(page)
            other = lifecycle_pages.open("/reports/new?kind=dowork")
            expect(other.locator("main .notice")).to_have_count(0)
            listed = lifecycle_pages.open("/kinds")
            expect(listed.locator("li", has_text="slow")).to_contain_text("No worker offers this kind")
            expect(listed.locator("li", has_text="dowork")).not_to_contain_text("No worker offers")
            lifecycle_pages.check_accessible(listed)

            page.get_by_role("button", name="Request report").click()
            warning = page.locator("#head .notice.warn")
            expect(warning).to_contain_text("It is tried again until one does, 12 times at most, and")
            expect(warning).to_contain_text("No worker offers this kind.")  # once an attempt was in vain
            lifecycle_pages.check_accessible(page)
    finally:
        lifecycle.runner.start_part(part)
    expect(page.locator("#head")).not_to_contain_text("No worker offers")
    reports.cancel(page.url.rpartition("/")[2])  # its next attempt may be a minute away
    expect(listed.locator("li", has_text="slow")).not_to_contain_text("No worker offers")


def _offered_by(client: WaybillClient) -> dict[str, int | None]:
    return {kind.name: kind.offered_by for kind in client.kinds() if kind.name in ("slow", "dowork")}


def test_while_its_kind_is_paused_it_says_why_and_by_whom(
    lifecycle_pages: Pages, reports: WaybillClient
) -> None:
    reports.pause_kind("slow", "its source is away")
    try:
        report = reports.request("slow", {"steps": 1, "seconds": 0})
        page = lifecycle_pages.open(f"/reports/{report.id}")

        says(
            page,
            "Waits since its kind is paused: its source is away. The report is kept, and goes on once the",
        )
        says(page, "by anonymous.")
        expect(page.locator("#head .notice time")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
        lifecycle_pages.check_accessible(page)
    finally:
        reports.resume_kind("slow")
    ends_done(page)


def test_while_its_worker_is_silent_it_says_for_how_long_and_what_comes_then(
    lifecycle_pages: Pages, reports: WaybillClient, lifecycle: LifecycleStack
) -> None:
    report = reports.request("slow", {"steps": 1, "seconds": 8})
    page = lifecycle_pages.open(f"/reports/{report.id}")
    expect(page.locator("#head .status")).to_have_text("Running")
    expect(page.locator("#head .notice")).to_have_count(0)
    page.evaluate(_KEEP_NOTICES)
    with lifecycle.stopped(WORKER):
        says(page, "No sign of its worker for")
        lifecycle_pages.check_accessible(page)
        says(page, "Waits for")  # whatever is missing then, its silence is over
        expect(page.locator("#attempts")).to_contain_text("Lost: its worker died, or was cut off")
    silent = [text for text in page.evaluate("window.notices") if text.startswith("No sign of its worker")]
    assert "the report is given to another worker" in silent[0]
    assert len(set(silent)) > 1, "the time goes on"
    ends_done(page)


_KEEP_NOTICES = """() => {
    window.notices = [];
    const look = () => window.notices.push(document.querySelector("#head .notice")?.innerText ?? "");
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""All that the page says one after the other: a slow machine may look too late."""

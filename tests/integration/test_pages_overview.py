"""The overview and the kinds in a browser: figures move, a kind is paused and resumed."""

import re

from playwright.sync_api import expect

from tests.support.browser import Pages
from tests.support.reports import QUICK, run
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.browser_fixtures"]


def test_figures_move_without_a_reload(pages: Pages, client: WaybillClient) -> None:
    run(client)
    page = pages.open("/")
    done = page.locator("a.figure-card", has_text="Done").locator(".figure")
    before = done.inner_text()
    run(client, parameters={**QUICK, "failing_step": 1})
    run(client)

    if "+" not in before:  # else a kind has more than are counted
        expect(done).not_to_have_text(before)
        assert int(done.inner_text().replace(",", "").rstrip("+")) > int(before.replace(",", ""))
    expect(page.locator("a.figure-card", has_text="Running").get_by_text("now")).to_be_visible()
    expect(page.locator("a.figure-card", has_text="Failed").get_by_text("last 24 hours")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("at most .* in an hour")).first).to_be_visible()
    failing = page.get_by_role("region", name="What fails most").get_by_role("row", name="Something wrong!")
    expect(failing).to_contain_text("A step failed step_failed")
    expect(failing).to_contain_text("Newest: ")
    failing.get_by_role("link", name="Do work").click()
    expect(page).to_have_url(re.compile(r"kind=dowork&status=fail&within=24h"))
    expect(page.get_by_role("region", name="Reports").get_by_text("Failed").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Database answers")).to_be_visible()
    expect(page.get_by_text("Kafka answers")).to_be_visible()


def test_a_kind_is_paused_with_a_reason_and_resumed(pages: Pages, client: WaybillClient) -> None:
    page = pages.open("/kinds")
    page.get_by_role("link", name="Do work").click()
    page.get_by_label("Why").fill("its source is away")
    page.get_by_role("button", name="Pause").click()
    try:
        expect(page.get_by_text("its source is away")).to_be_visible()
        expect(page.get_by_text("Its reports wait.")).to_be_visible()
        pages.check_accessible(page)
        report = client.request("dowork", QUICK)
        assert client.show(report.id).kind_paused
        page.goto("/")
        row = page.get_by_role("region", name="Kinds").get_by_role("row", name="Do work")
        expect(row).to_contain_text("Paused its source is away")
        pages.check_accessible(page)
        page.goto("/reports/new?kind=dowork")
        expect(page.get_by_text("This kind is paused: its source is away.")).to_contain_text(
            "A report is accepted, and waits until the kind is resumed."
        )
        pages.check_accessible(page)
        page.goto("/kinds/dowork")
    finally:
        page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert next(kind for kind in client.kinds() if kind.name == "dowork").paused_at is None


def test_a_kind_shows_how_long_its_reports_took(pages: Pages, client: WaybillClient) -> None:
    run(client)
    run(client, parameters={**QUICK, "failing_step": 1})
    page = pages.open("/kinds/dowork")
    expect(page.get_by_role("navigation").get_by_role("link", name="Kinds")).to_have_attribute(
        "aria-current", "true"
    )
    chart = page.get_by_role("img", name="The last")
    expect(chart).to_be_visible()
    bars = chart.locator("rect:not(.hover)")
    expect(bars.last).to_have_class("fail")
    expect(chart.locator("g").last.locator("title")).to_contain_text("Failed in")
    count = bars.count()

    run(client)
    expect(bars.last).to_have_class("done")
    expect(bars).to_have_count(min(60, count + 1))
    expect(page.get_by_text("median run")).to_be_visible()
    pages.check_accessible(page)
    page.get_by_role("region", name="Recent durations").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Do work steps")


def test_a_kind_says_what_it_takes(pages: Pages) -> None:
    page = pages.open("/kinds/flights")
    table = page.get_by_role("region", name="Parameters").or_(page.locator("section", has_text="Parameters"))
    expect(table.first).to_contain_text("EWR, JFK, LGA")
    expect(page.get_by_role("link", name="Request one")).to_be_visible()

"""The overview and the kinds in a browser: figures move, a kind is paused and resumed."""

from playwright.sync_api import expect

from tests.support.browser import Pages
from tests.support.reports import QUICK, run
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.browser_fixtures"]


def test_figures_move_without_a_reload(pages: Pages, client: WaybillClient) -> None:
    run(client)
    page = pages.open("/")
    done = page.locator("a.figure-card", has_text="Done").locator(".figure")
    before = int(done.inner_text().replace(",", "").rstrip("+"))
    run(client, parameters={**QUICK, "failing_step": 1})
    run(client)

    expect(done).to_have_text(f"{before + 1:,}" if before < 999 else "1,000+", timeout=15_000)
    expect(
        page.get_by_role("region", name="What fails most").or_(page.get_by_text("Something wrong!")).first
    ).to_be_visible()
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
    finally:
        page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert next(kind for kind in client.kinds() if kind.name == "dowork").paused_at is None


def test_a_kind_says_what_it_takes(pages: Pages) -> None:
    page = pages.open("/kinds/flights")
    table = page.get_by_role("region", name="Parameters").or_(page.locator("section", has_text="Parameters"))
    expect(table.first).to_contain_text("EWR, JFK, LGA")
    expect(page.get_by_role("link", name="Request one")).to_be_visible()

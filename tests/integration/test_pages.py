"""What holds for every page, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, Request, ViewportSize, expect

from tests.support.browser import DESKTOP, PHONE, TABLET, Pages
from tests.support.reports import QUICK, run
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.browser_fixtures"]

EVERY = {
    "/": "Overview",
    "/reports": "Reports",
    "/reports?status=done&tag=nothing": "Reports",
    "/reports/views": "Saved views",
    "/reports/views?status=done&tag=nothing": "Saved views",
    "/reports/new": "New report",
    "/reports/new?kind=dowork": "Do work",
    "/reports/new?kind=flights": "Departures from New York",
    "/dead-letters": "Dead letters",
    "/kinds": "Kinds",
    "/kinds/dowork": "Do work",
    "/api/v1/docs": "API",
}
MOST_BYTES = 100_000
SCRIPT = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@pytest.fixture(scope="module", autouse=True)
def _something_to_show(client: WaybillClient) -> None:
    run(client, parameters={**QUICK, "failing_step": 1})
    run(client)


def has_no_sideways_scroll(page: Page) -> bool:
    found: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return found


@pytest.mark.parametrize("path", EVERY)
def test_people_who_do_not_see_or_point_can_use_it(pages: Pages, path: str) -> None:
    for scheme in ("light", "dark"):
        page = pages.open(path, color_scheme=scheme)
        expect(page.get_by_role("heading", level=1)).to_have_text(EVERY[path])
        pages.check_accessible(page)


@pytest.mark.parametrize("path", EVERY)
def test_it_fits_a_phone_a_tablet_and_a_page_that_is_twice_as_large(pages: Pages, path: str) -> None:
    zoomed: ViewportSize = {"width": DESKTOP["width"] // 2, "height": DESKTOP["height"] // 2}
    page = pages.open(path, viewport=PHONE)
    for size in (PHONE, TABLET, zoomed):
        page.set_viewport_size(size)
        assert has_no_sideways_scroll(page), size


@pytest.mark.parametrize("path", ["/", "/reports", "/kinds", "/reports/new?kind=dowork"])
def test_a_first_page_is_small_and_does_not_jump(pages: Pages, path: str) -> None:
    page = pages.new_page(timezone_id="Asia/Kolkata")
    sizes: list[int] = []

    def note(request: Request) -> None:
        sizes.append(request.sizes()["responseBodySize"] + request.sizes()["responseHeadersSize"])

    page.on("requestfinished", note)
    page.add_init_script(
        "window.jumps = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(one) => window.jumps += one.value)).observe({type: 'layout-shift', buffered: true});"
    )
    page.goto(path)
    expect(page.locator("[data-zone]")).not_to_have_text("Times in UTC")  # its scripts have run
    page.wait_for_timeout(300)

    assert 0 < sum(sizes) <= MOST_BYTES
    assert page.evaluate("window.jumps") <= 0.05


def test_times_are_in_the_viewers_zone_with_the_offset_on_hover(pages: Pages) -> None:
    page = pages.open("/reports", timezone_id="Asia/Kolkata")

    time = page.locator("tbody time").first
    shown, title = time.inner_text(), time.get_attribute("title") or ""
    utc = time.get_attribute("datetime") or ""
    assert "GMT+05:30" in title
    minutes = (int(utc[14:16]) + 30) % 60
    assert re.search(rf":{minutes:02}:", shown)
    expect(
        page.get_by_text("Times in Asia/Calcutta").or_(page.get_by_text("Times in Asia/Kolkata"))
    ).to_be_visible()


def test_the_keyboard_leads_everywhere(pages: Pages) -> None:
    page = pages.open("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile("/reports$"))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/reports/[0-9a-f-]{36}$"))


def test_the_help_has_every_key_and_hides_none(pages: Pages) -> None:
    page = pages.open("/reports", viewport=PHONE)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tbody tr").first.get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard")
    keys = [" ".join(text.split()) for text in help_.locator("dt").all_inner_texts()]
    assert keys == ["/", "j", "k", "Enter", "x", "n", "g o", "g r", "g d", "g k", "Esc", "?"]
    pages.check_accessible(page)

    button = help_.get_by_role("button", name="Close").bounding_box()
    first = help_.locator("dt").first.bounding_box()
    assert button and first
    assert button["y"] + button["height"] <= first["y"]
    help_.get_by_role("button", name="Close").click()
    expect(help_).to_have_count(0)


def test_without_scripts_every_page_says_what_it_has(pages: Pages) -> None:
    for path, title in EVERY.items():
        page = pages.open(path, java_script_enabled=False)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_an_address_without_a_page_looks_like_the_rest(pages: Pages) -> None:
    pages.expected.append("404")
    page = pages.open("/nothing")

    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    pages.check_accessible(page)


def test_a_stored_script_does_nothing(pages: Pages, client: WaybillClient) -> None:
    report = client.request("flights", {"month": 1}, tags=[SCRIPT[:50]])
    client.save_parameters("dowork", SCRIPT.replace("/", "")[:100], {"steps": 1})
    try:
        client.pause_kind("dowork", SCRIPT)
        for path in (
            "/",
            "/reports",
            f"/reports/{report.id}",
            "/kinds",
            "/kinds/dowork",
            "/reports/new?kind=dowork",
        ):
            page = pages.open(path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert "taken" not in page.title()
            assert page.locator("img[onerror], main script:not([src])").count() == 0
        page = pages.open("/reports", java_script_enabled=True)
        page.goto(f"/reports?q={SCRIPT}&tag={SCRIPT[:40]}&parameter=a={SCRIPT}")
        assert "taken" not in page.title()
        assert page.locator("img[onerror]").count() == 0
    finally:
        client.resume_kind("dowork")

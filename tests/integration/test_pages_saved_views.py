"""Saved views of the list of reports, in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import DESKTOP, PHONE, Pages
from tests.support.reports import QUICK, run
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.browser_fixtures"]

ADDRESS = "/reports?status=done&kind=dowork&tag=view-of-mine&parameter=steps%3D3"
SCRIPT = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture
def page(pages: Pages) -> Iterator[Page]:
    """All views are removed in the end."""
    page = pages.new_page()
    yield page
    page.goto("/reports/views")
    while (remove := page.get_by_role("button", name="Remove")).count():
        remove.first.click()
        page.wait_for_load_state()


def save(page: Page, name: str, address: str = ADDRESS) -> None:
    page.goto(address)
    page.get_by_role("link", name="Save this view").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()


def offered(page: Page) -> list[str]:
    return page.get_by_role("navigation", name="Saved views").get_by_role("listitem").all_inner_texts()


def test_a_filter_is_saved_chosen_and_removed(pages: Pages, page: Page, client: WaybillClient) -> None:
    report = client.request("dowork", {**QUICK, "steps": 3}, tags=["view-of-mine"])
    other = run(client)
    save(page, "Three steps", "/reports?tag=view-of-mine&parameter=steps%3D3")

    expect(page).to_have_url(re.compile("/reports.tag=view-of-mine&parameter=steps"))
    view = page.get_by_role("link", name="Three steps")
    expect(view).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Save this view")).to_have_count(0)
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator(f"#report-{other.id}")).to_be_visible()
    expect(view).not_to_have_attribute("aria-current", "true")

    view.click()
    expect(page.locator(f"#report-{report.id}")).to_be_visible()
    expect(page.locator(f"#report-{other.id}")).to_have_count(0)
    expect(page.get_by_label("Tag", exact=True)).to_have_value("view-of-mine")
    page.go_back()
    expect(page.locator(f"#report-{other.id}")).to_be_visible()

    page.get_by_role("link", name="Manage").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("steps=3")
    page.get_by_role("button", name="Remove: Three steps").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("No view is saved yet")
    pages.check_accessible(page)
    page.get_by_role("link", name="What failed in the last 7 days").click()
    expect(page.get_by_role("link", name="Save this view")).to_be_visible()
    assert len(offered(page)) == 1


def test_what_is_wrong_is_said_beside_the_name_and_what_was_set_stays(pages: Pages, page: Page) -> None:
    pages.expected.append("422")
    save(page, "a/b")

    name = page.get_by_label("Name")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_value("a/b")
    expect(name).to_have_accessible_description(re.compile("must have 1 to 100 characters, none of them '/'"))
    expect(page.get_by_role("list", name="Filter")).to_have_text(
        re.compile(r"done\s*kind dowork\s*tag view-of-mine\s*steps=3")
    )
    pages.check_accessible(page)
    name.fill("a b")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="a b")).to_have_attribute("aria-current", "true")


def test_many_views_and_hostile_names_fit_every_screen(pages: Pages, page: Page) -> None:
    save(page, "W" * 100)
    for number in range(10):
        save(page, f"{number} {SCRIPT}", f"/reports?tag=view-{number}")

    assert len(offered(page)) == 6 + 1, "five, the one that is shown, and a link to all"
    for path in ("/reports", "/reports/views?kind=dowork", "/reports/views"):
        for scheme in ("light", "dark"):
            shown = pages.open(path, color_scheme=scheme)
            pages.check_accessible(shown)
            assert "taken" not in shown.title()
            assert shown.locator("img[onerror]").count() == 0
        for size in (PHONE, DESKTOP):
            shown.set_viewport_size(size)
            assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, size)
    expect(page.get_by_role("link", name="All 11 views")).to_be_visible()


def test_it_works_without_scripts(pages: Pages, page: Page) -> None:
    plain = pages.new_page(java_script_enabled=False, viewport=PHONE)
    save(plain, "plain")

    assert offered(plain)[0] == "plain"
    plain.get_by_role("link", name="Manage").click()
    plain.get_by_role("button", name="Remove: plain").click()
    expect(plain.get_by_role("heading", level=2)).to_have_text("No view is saved yet")

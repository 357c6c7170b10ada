"""What holds for every page, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import Pages

pytest_plugins = ["tests.support.browser_fixtures"]

EVERY = {
    "/": "Overview",
    "/reports": "Reports",
    "/reports/new": "New report",
    "/dead-letters": "Dead letters",
    "/kinds": "Kinds",
}


@pytest.mark.parametrize("path", EVERY)
def test_people_who_do_not_see_or_point_can_use_it(pages: Pages, path: str) -> None:
    page = pages.open(path)

    expect(page.get_by_role("heading", level=1)).to_have_text(EVERY[path])
    pages.check_accessible(page)


def test_an_address_without_a_page_looks_like_the_rest(pages: Pages) -> None:
    pages.expected.append("404")
    page = pages.open("/nothing")

    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    pages.check_accessible(page)

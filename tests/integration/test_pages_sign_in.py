"""A browser signs in at an issuer, sees who it is, and signs out."""

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.support.access import HERS, Access
from tests.support.browser import DESKTOP, PHONE, Pages
from waybill.domain import Role

pytest_plugins = ["tests.support.browser_fixtures", "tests.support.lifecycle_fixtures"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_user_signs_out_and_in_again(signing_in: tuple[Pages, Access], size: ViewportSize) -> None:
    pages, _ = signing_in
    page = pages.open("/kinds", viewport=size)
    expect(page.get_by_role("heading", level=1)).to_have_text("Kinds")

    page.locator(".account > summary").click()
    expect(page.locator(".account")).to_contain_text("default")
    pages.check_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.locator(".account > summary").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    pages.check_accessible(page)
    assert not [one for one in page.context.cookies() if one["name"] == "waybill"]
    page.reload()
    expect(page.locator(".account")).to_have_count(0)
    page.get_by_role("link", name="Sign in").click()
    expect(page.locator(".account")).to_contain_text("alice")


def test_it_works_without_scripts(signing_in: tuple[Pages, Access]) -> None:
    pages, _ = signing_in
    page = pages.open("/", java_script_enabled=False)

    page.locator(".account > summary").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")


def test_a_key_has_nothing_to_sign_out_of(signing_in: tuple[Pages, Access]) -> None:
    pages, api = signing_in
    key = api.person("op", HERS, Role.OPERATOR).token
    page = pages.open("/", extra_http_headers={"Authorization": f"Bearer {key}"})

    page.locator(".account > summary").click()

    expect(page.locator(".account")).to_contain_text("operator")
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)


def test_who_is_signed_in_stands_beside_the_name_on_a_phone(signing_in: tuple[Pages, Access]) -> None:
    pages, api = signing_in
    pages.expected.append("404")
    key = api.person("somebody-of-a-long-name@example.com", HERS, Role.ADMIN).token
    for path in ("/kinds", "/nothing"):
        page = pages.open(path, viewport=PHONE, extra_http_headers={"Authorization": f"Bearer {key}"})
        who = page.locator(".account > summary")
        expect(page.get_by_role("link", name="Dead letters")).to_be_visible()
        pages.check_accessible(page)

        shown, brand = who.bounding_box(), page.locator(".brand").bounding_box()
        assert shown
        assert brand
        assert brand["x"] + brand["width"] <= shown["x"]
        assert shown["x"] + shown["width"] <= PHONE["width"]
        assert shown["y"] < brand["y"] + brand["height"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

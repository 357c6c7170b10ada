"""Pages on paper: all that they say, in dark ink."""

import base64
import io
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from pypdf import PdfReader

from tests.support.browser import Pages
from tests.support.reports import run
from waybill_client import Report, WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]

A4: ViewportSize = {"width": 688, "height": 1017}
"""In pixels, within the margins."""
COLUMNS, ROWS = 16, 24
TABLE = "\n".join(",".join(f"{row}-{column}-some-words" for column in range(COLUMNS)) for row in range(ROWS))


@pytest.fixture(scope="module")
def done(reports: WaybillClient) -> Report:
    """With many events and a wide table."""
    content = base64.b64encode(TABLE.encode()).decode()
    file = {"name": "wide.csv", "media_type": "text/csv", "content": content, "times": 1}
    return run(reports, "writer", {"files": [file], "text": "some"})


@pytest.fixture(scope="module")
def failed(reports: WaybillClient) -> Report:
    return run(reports, "raise_one", {"how": "long"})


def printed(page: Page) -> str:
    """The text of its PDF, without spaces."""
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    text = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf)).pages)
    return "".join(text.split())


def on_paper(pages: Pages, path: str, **options: Any) -> Page:
    """As one prints it who looks at dark pages."""
    page = pages.open(path, color_scheme="dark", viewport=A4, **options)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")
    return page


def cut(page: Page) -> list[str]:
    """What holds more than is seen of it."""
    found: list[str] = page.locator("main .scroll, main pre").evaluate_all(
        """all => all.filter((one) => one.offsetParent && (one.scrollWidth > one.clientWidth + 1
          || one.scrollHeight > one.clientHeight + 1)).map((one) => one.outerHTML.slice(0, 200))"""
    )
    return found


@pytest.mark.parametrize("path", ["/", "/reports", "/dead-letters", "/kinds/dowork", "/reports/{}"])
def test_nothing_is_dark_or_cut(lifecycle_pages: Pages, done: Report, failed: Report, path: str) -> None:
    page = on_paper(lifecycle_pages, path.format(done.id))

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator("h1")).to_have_css("color", "rgb(0, 0, 0)")
    assert cut(page) == []
    for button in page.get_by_role("button").all():
        expect(button).to_be_hidden()


def test_long_names_and_figures_are_not_cut(lifecycle_pages: Pages, done: Report, failed: Report) -> None:
    """As an overview has them after a day with many kinds."""
    page = on_paper(lifecycle_pages, "/")
    texts = {
        "td.number": "12 min 34 s",
        "td.fills a, td.fills small": "a_kind_whose_name_is_one_very_long_word",
        "td.chart small": "12,345 ended, at most 1,234 in an hour",
        "td.wide": "x" * 160,
    }
    page.evaluate(
        """texts => { for (const [where, text] of Object.entries(texts))
             for (const one of document.querySelectorAll(where)) one.textContent = text; }""",
        texts,
    )
    expect(page.locator("td.number").first).to_have_text("12 min 34 s")

    assert cut(page) == []


def test_a_list_is_printed_with_what_it_is_a_list_of(
    lifecycle_pages: Pages, done: Report, failed: Report
) -> None:
    page = on_paper(lifecycle_pages, "/reports?status=fail&kind=raise_one")
    expect(page.locator("tbody tr").first).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.locator("tbody .status.fail").first).to_have_css("color", "rgb(179, 38, 30)")
    expect(page.get_by_role("link", name="Done", exact=True)).to_have_count(0)
    text = printed(page)
    assert "Failed" in text
    assert "TimesinUTC" in text
    assert "Newreport" not in text
    assert "Retry" not in text


def test_a_report_is_printed_whole(lifecycle_pages: Pages, done: Report) -> None:
    page = on_paper(lifecycle_pages, f"/reports/{done.id}")
    page.locator("#history details").evaluate("one => one.open = false")
    text = printed(page)

    for part in ("Whereitstimewent", "Attempt1began", str(done.trace_id)):
        assert part in text, part
    for row in (1, ROWS - 1):
        assert "".join(f"{row}-{column}-some-words" for column in range(COLUMNS)) in text

"""On a phone, nothing that matters is out of sight."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, Pages
from tests.support.reports import run
from waybill_client import Report, WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]

LONG = "a-name-without-any-place-to-break-it-" * 3
FILES = [
    {"name": f"{LONG}.txt", "media_type": "application/x-" + LONG[:60], "content": "aGVsbG8=", "times": 1}
]

LABELS = """() => {
  const labels = [...document.querySelectorAll(".wf-axis text:not(.wf-first)")];
  for (const one of labels) one.textContent = "2 h 45 min";
  const card = document.querySelector("#waterfall").getBoundingClientRect();
  return [...document.querySelectorAll(".wf-axis text")].map((one) => one.getBoundingClientRect())
    .filter((one) => one.width).map(({ left, right }) => [left - card.left, right - card.left, card.width]);
}"""
"""Where each label of the axis begins and ends in its card, with the longest text that it may have."""

OUT_OF_SIGHT = """() => {
  document.querySelectorAll("details").forEach((one) => one.open = true);
  const found = [];
  for (const table of document.querySelectorAll("table:not(.data)")) {
    const box = table.closest(".scroll") ?? table.parentElement;
    if (box.scrollWidth > box.clientWidth) found.push(`${box.id || box.ariaLabel} scrolls sideways`);
    const { right } = box.getBoundingClientRect();
    const titles = [...table.querySelectorAll("thead th")].map((one) => one.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) [...row.cells].forEach((cell, column) => {
      if (cell.getBoundingClientRect().right > right) found.push(`cut: ${cell.textContent}`);
      const { label } = cell.dataset;
      if (label && !titles[column].startsWith(label)) found.push(`${label} is not ${titles[column]}`);
      if (cell.scrollWidth > cell.clientWidth + 1) found.push(`overflows: ${cell.textContent}`);
    });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def failed(reports: WaybillClient) -> Report:
    """Also a dead letter."""
    return run(reports, "raise_one", {"how": "long"})


@pytest.fixture(scope="module")
def done(reports: WaybillClient) -> Report:
    return run(reports, "writer", {"files": FILES, "text": "some"})


def check_tables(page: Page, least: int = 1) -> None:
    expect(page.locator("main table").first).to_be_visible()
    assert page.locator("main table").count() >= least
    assert page.evaluate(OUT_OF_SIGHT) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("path", "tables"),
    [
        ("/", 2),
        ("/reports", 1),
        ("/dead-letters", 1),
        ("/kinds/dowork", 1),
        ("/reports/{failed}", 3),
        ("/reports/{done}", 4),
    ],
)
def test_no_table_is_wider_than_its_place(
    lifecycle_pages: Pages, failed: Report, done: Report, path: str, tables: int
) -> None:
    page = lifecycle_pages.open(path.format(failed=failed.id, done=done.id), viewport=PHONE)
    check_tables(page, tables)
    lifecycle_pages.check_accessible(page)


def test_no_table_of_outcomes_is_wider_than_its_place(
    lifecycle_pages: Pages, reports: WaybillClient, failed: Report, done: Report
) -> None:
    page = lifecycle_pages.open("/reports?status=done", viewport=PHONE, java_script_enabled=False)
    page.locator("tbody input[type=checkbox]").first.check()
    page.get_by_role("button", name="Retry").first.click()
    page.get_by_role("button", name="Retry 1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("0 of 1 report retried")
    check_tables(page)

    page.goto("/dead-letters")
    page.locator("tbody input[type=checkbox]").first.check()
    page.get_by_role("button", name="Redrive chosen").click()
    page.locator("main form .button").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("restarted")
    check_tables(page)


def test_what_became_of_a_report_comes_before_what_can_be_done(
    lifecycle_pages: Pages, failed: Report
) -> None:
    page = lifecycle_pages.open(f"/reports/{failed.id}", viewport=PHONE)
    head = page.locator("#head")
    places = [head.locator(one).bounding_box() for one in ("h1", ".status", ".notice", ".actions", ".copies")]
    assert all(above and below and above["y"] < below["y"] for above, below in pairwise(places))


def test_bars_have_most_of_a_phones_width(lifecycle_pages: Pages, done: Report) -> None:
    page = lifecycle_pages.open(f"/reports/{done.id}", viewport=PHONE)
    bar = page.locator(".wf-bar").first.bounding_box()
    assert bar
    assert bar["width"] > PHONE["width"] / 2


@pytest.mark.parametrize("width", [360, 640, 820, 910, 1280])
def test_labels_of_an_axis_are_whole_and_apart(lifecycle_pages: Pages, done: Report, width: int) -> None:
    page = lifecycle_pages.open(f"/reports/{done.id}", viewport={"width": width, "height": 740})
    places = page.evaluate(LABELS)

    assert len(places) >= 2
    assert all(0 <= left < right <= card for left, right, card in places)
    assert all(before[1] < after[0] for before, after in pairwise(places))
    assert page.locator(".wf-axis svg").evaluate("one => getComputedStyle(one).overflow") == "visible"
    for bars in page.locator(".wf-bar").all():
        assert bars.evaluate(
            "one => { const at = one.getBoundingClientRect(); return [...one.children].every((bar) => "
            "bar.getBoundingClientRect().right <= at.right + 1) }"
        )


def test_the_bars_of_a_kind_are_within_their_chart(
    lifecycle_pages: Pages, done: Report, reports: WaybillClient
) -> None:
    run(reports, done.kind, {"text": "some"})
    page = lifecycle_pages.open(f"/kinds/{done.kind}", viewport=PHONE)
    chart = page.locator("svg.runs")
    expect(chart).to_be_visible()
    place = chart.bounding_box()
    assert place
    assert place["x"] + place["width"] <= PHONE["width"]
    for bar in chart.locator("rect.done, rect.fail").all():
        box = bar.bounding_box()
        assert box
        assert place["x"] - 1 <= box["x"] < box["x"] + box["width"] <= place["x"] + place["width"] + 1

"""One report in a browser: watched to its end, cancelled, tried again, repeated; its files and logs."""

import base64
import re
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.sync_api import Dialog, Page, expect

from local.stack import Stack
from tests.support import lifecycle as ask
from tests.support.browser import PHONE, Pages
from tests.support.lifecycle_stack import LifecycleStack
from tests.support.reports import QUICK, ended, run
from tests.support.waiting import eventually
from waybill_client import Report, WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]

SCRIPT = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
PAGE = (
    b"<!doctype html><title>A page</title><p id=said>As it came</p><script>said.textContent = 'ran'</script>"
)
PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30"/></svg>'
)
LINE, LINES = b"a line of a long text\n", 4000


def file(name: str, media_type: str, content: bytes, times: int = 1) -> dict[str, Any]:
    encoded = base64.b64encode(content).decode()
    return {"name": name, "media_type": media_type, "content": encoded, "times": times}


def written(reports: WaybillClient, *files: dict[str, Any], **more: Any) -> Report:
    return run(reports, "writer", {"files": list(files), **more})


def running(reports: WaybillClient, kind: str, parameters: dict[str, Any]) -> Report:
    """A report whose first step has begun."""
    report = reports.request(kind, parameters)
    eventually(lambda: reports.show(report.id).progress, "its first step")
    return report


def status(page: Page) -> Any:
    return page.locator("#head .status")


def mark(page: Page) -> None:
    """Is gone after a reload."""
    page.evaluate("document.documentElement.dataset.same = 'yes'")


def has_copied(page: Page, beginning: str) -> bool:
    return str(page.evaluate("navigator.clipboard.readText()")).startswith(beginning)


def is_same(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.dataset.same === 'yes'"))


class TestWatched:
    def test_it_runs_to_its_end_without_a_reload(
        self, lifecycle_pages: Pages, reports: WaybillClient
    ) -> None:
        report = running(reports, "talk", {"ways": ["print", "log"], "text": "hello", "seconds": 5})
        page = lifecycle_pages.open(f"/reports/{report.id}")
        mark(page)

        expect(page.locator("#connection")).to_have_text("Live")
        expect(page).to_have_title(re.compile("Running .*Talk · Waybill"))
        expect(page.locator("#logs .text").get_by_text("hello", exact=True)).to_be_visible()
        assert not reports.show(report.id).ended, "the log came while it ran"
        expect(status(page)).to_have_text("Done")
        expect(page).to_have_title("✓ Done \N{EN DASH} Talk · Waybill")
        expect(page.locator("#connection")).to_have_text("Ended")
        expect(page.locator("#progress tbody tr")).to_have_count(2)
        expect(page.locator("#files")).to_contain_text("talk.txt")
        expect(page.locator("#files pre")).to_have_text("talk\n")
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        assert is_same(page)
        lifecycle_pages.check_accessible(page)

    def test_steps_that_are_to_come_are_shown(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        report = running(reports, "slow", {"steps": 3, "seconds": 30})
        page = lifecycle_pages.open(f"/reports/{report.id}")

        states = page.locator("#progress tbody td:nth-child(2)")
        expect(states).to_have_text(["Running", "Waiting", "Waiting"])
        lifecycle_pages.check_accessible(page)
        reports.cancel(report.id)
        expect(status(page)).to_have_text("Cancelled")
        expect(states.first).to_have_text("Stopped")


class TestActions:
    def test_cancel_asks_and_then_it_ends(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        report = running(reports, "slow", {"steps": 1, "seconds": 30})
        page = lifecycle_pages.open(f"/reports/{report.id}")
        questions: list[str] = []

        def answer(dialog: Dialog) -> None:
            questions.append(dialog.message)
            dialog.accept()

        page.on("dialog", answer)

        page.get_by_role("button", name="Cancel").click()

        expect(status(page)).to_have_text("Cancelled")
        assert questions == ["Cancel this report?"]
        assert reports.show(report.id).status == "cancelled"

    def test_without_scripts_a_page_asks(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        report = running(reports, "slow", {"steps": 1, "seconds": 30})
        page = lifecycle_pages.open(f"/reports/{report.id}", java_script_enabled=False, viewport=PHONE)

        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Cancel this report?")
        page.get_by_role("link", name="Go back").click()
        assert reports.show(report.id).status == "processing"
        scripted = lifecycle_pages.open(f"/reports/{report.id}")
        scripted.locator("#head form[data-confirm]").evaluate("form => form.submit()")
        expect(scripted.get_by_role("button", name="Cancel it")).to_be_visible()
        lifecycle_pages.check_accessible(scripted)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Cancel it").click()

        eventually(lambda: reports.show(report.id).status == "cancelled", "its end")

    def test_retry_and_the_attempts_with_their_reasons(
        self, lifecycle_pages: Pages, reports: WaybillClient
    ) -> None:
        report = run(reports, "raise_one", {"how": "long"})
        page = lifecycle_pages.open(f"/reports/{report.id}")
        expect(page).to_have_title("✗ Failed \N{EN DASH} Raise_one · Waybill")
        page.get_by_label("from the start").check()

        page.get_by_role("button", name="Retry").click()

        expect(page.locator("#attempts li")).to_have_count(2)
        expect(status(page)).to_have_text("Failed")
        expect(page.locator("#attempts li").first).to_contain_text("Failed in only step")
        expect(page.locator("#history")).to_contain_text("Tried again")
        lifecycle_pages.check_accessible(page)

    def test_run_again_is_another_report_that_names_the_first(
        self, lifecycle_pages: Pages, reports: WaybillClient
    ) -> None:
        report = run(reports, "slow", {"steps": 1, "seconds": 0, "filename": "again.txt"})
        page = lifecycle_pages.open(f"/reports/{report.id}")
        with_changes = page.get_by_role("link", name="Run again with changes")
        expect(with_changes).to_have_attribute("href", f"/reports/new?rerun_of={report.id}")

        page.get_by_role("button", name="Run again").click()

        page.wait_for_url(lambda url: not url.endswith(str(report.id)))
        expect(page.get_by_role("link", name=str(report.id))).to_be_visible()
        again = ended(reports, page.url.rpartition("/")[2])
        assert (again.rerun_of, again.parameters) == (report.id, report.parameters)

    def test_what_has_ended_meanwhile_is_a_page_with_a_way_back(
        self, lifecycle_pages: Pages, reports: WaybillClient
    ) -> None:
        lifecycle_pages.expected.append("409")
        report = running(reports, "slow", {"steps": 1, "seconds": 5})
        page = lifecycle_pages.open(f"/reports/{report.id}", java_script_enabled=False)
        ended(reports, report.id)

        page.get_by_role("button", name="Cancel").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("The report has ended")
        page.get_by_role("link", name="The report").click()
        expect(status(page)).to_have_text("Done")

    def test_commands_are_copied(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        report = run(reports, "slow", {"steps": 1, "seconds": 0, "filename": "it's.txt"})
        page = lifecycle_pages.open(
            f"/reports/{report.id}", permissions=["clipboard-read", "clipboard-write"]
        )

        for name, beginning in (
            ("Copy link", f"{lifecycle_pages.url}/reports/{report.id}"),
            ("Copy as curl", "curl "),
            ("Copy as waybill", "waybill "),
        ):
            page.get_by_role("button", name=name).click()
            eventually(partial(has_copied, page, beginning), f"what {name} has copied")


class TestFiles:
    def test_a_page_is_shown_without_any_rights(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        lifecycle_pages.expected.append("Blocked script execution")
        report = written(reports, file("page.html", "text/html", PAGE))
        page = lifecycle_pages.open(f"/reports/{report.id}")

        frame = page.locator("#files iframe")
        expect(frame).to_have_attribute("sandbox", "")
        expect(page.frame_locator("#files iframe").locator("#said")).to_have_text("As it came")

    def test_pictures_texts_and_other_files(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        report = written(
            reports,
            file("picture.svg", "image/svg+xml", PICTURE),
            file("data.json", "application/json", b'{"a": 1}'),
            file("long.txt", "text/plain", LINE, LINES),
            file("book.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\3\4"),
            file("empty.txt", "text/plain", b""),
        )
        page = lifecycle_pages.open(f"/reports/{report.id}")

        picture = page.get_by_role("img", name="picture.svg")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") == 40
        lifecycle_pages.check_accessible(page)
        for name, said in (
            ("data.json", '{"a": 1}'),
            ("long.txt", "The first 66 KB of 88 KB"),
            ("book.xlsx", "Browsers do not show files of this type"),
            ("empty.txt", "The file is empty"),
        ):
            page.get_by_role("link", name=name, exact=True).click()
            expect(page.locator("#files .preview")).to_contain_text(said)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download long.txt").click()
        assert download.value.suggested_filename == "long.txt"
        assert download.value.path().read_bytes() == LINE * LINES

    def test_one_that_a_browser_shows_opens_alone(
        self, lifecycle_pages: Pages, reports: WaybillClient
    ) -> None:
        lifecycle_pages.expected.append("Blocked script execution")
        report = written(reports, file("page.html", "text/html", PAGE), file("a.txt", "text/plain", b"here"))
        page = lifecycle_pages.open(f"/reports/{report.id}", java_script_enabled=False)

        expect(page.get_by_role("link", name="Open a.txt")).to_have_count(0)
        page.get_by_role("link", name="Open page.html").click()
        expect(page.locator("#said")).to_have_text("As it came")

    def test_the_script_of_a_picture_that_opens_alone_does_nothing(
        self, lifecycle_pages: Pages, reports: WaybillClient
    ) -> None:
        lifecycle_pages.expected.append("Blocked script execution")
        script = b"<script>document.documentElement.setAttribute('data-taken', '')</script></svg>"
        report = written(reports, file("picture.svg", "image/svg+xml", PICTURE.replace(b"</svg>", script)))
        page = lifecycle_pages.open(f"/reports/{report.id}/files/picture.svg")

        expect(page.locator("svg rect")).to_have_count(1)
        expect(page.locator("svg[data-taken]")).to_have_count(0)

    def test_the_first_rows_of_a_table(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        rows = b"name,amount\nteapot,12\n<script>document.title='taken'</script>,7\n"
        report = written(reports, file("sales.csv", "text/csv", rows))
        page = lifecycle_pages.open(f"/reports/{report.id}")

        table = page.locator("#files .preview table")
        expect(table.locator("th")).to_have_text(["name", "amount"])
        expect(table.locator("tbody tr").first.locator("td")).to_have_text(["teapot", "12"])
        expect(table).to_contain_text("<script>document.title")
        expect(page.locator("#files .preview")).to_contain_text("2 of 2 rows")
        for name in ("Copy: id", "Copy: trace", "Copy: SHA-256 of sales.csv"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
        page.get_by_role("button", name="Copy: id").dblclick()
        expect(page.get_by_role("button", name=re.compile("Copied|Not allowed here"))).to_have_count(1)
        expect(page.get_by_role("button", name="Copy: id")).to_have_text("Copy")
        lifecycle_pages.check_accessible(page)

    def test_a_pdf_comes_so_that_the_browsers_viewer_takes_it(
        self, lifecycle_pages: Pages, reports: WaybillClient
    ) -> None:
        report = written(reports, file("paper.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n"))
        page = lifecycle_pages.open(f"/reports/{report.id}", java_script_enabled=False)

        address = page.locator("#files iframe").get_attribute("src")
        answer = page.request.get(str(address))
        assert answer.headers["content-type"] == "application/pdf"
        assert "sandbox" not in answer.headers["content-security-policy"]
        assert answer.headers["content-disposition"].startswith("inline")

    def test_a_file_that_is_gone_is_a_sentence(
        self, lifecycle_pages: Pages, reports: WaybillClient, lifecycle: LifecycleStack
    ) -> None:
        report = written(reports, file("a.txt", "text/plain", b"here"))
        for kept in lifecycle.artefacts.rglob("*"):
            if kept.is_file() and kept.read_bytes() == b"here":
                kept.unlink()

        page = lifecycle_pages.open(f"/reports/{report.id}")

        expect(page.locator("#files .notice")).to_be_visible()


class TestLogs:
    def test_they_are_of_steps_and_streams(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        report = run(reports, "talk", {"ways": ["print", "log"], "text": "hello"})
        page = lifecycle_pages.open(f"/reports/{report.id}")
        lines = page.locator("#logs .text")
        expect(lines.get_by_text("before all steps")).to_be_visible()

        page.get_by_role("link", name="Log of print").click()
        expect(lines).to_have_text(["hello", "hello on standard error"])
        page.get_by_role("link", name="stderr", exact=True).click()
        expect(lines).to_have_text(["hello on standard error"])
        page.get_by_role("link", name="Step print: show all steps").click()
        expect(lines.first).to_have_text("hello on standard error")
        page.goto(f"/reports/{report.id}?step=none")
        expect(page.locator("#logs")).to_contain_text("No line is of these")

    def test_steps_lead_to_no_log_that_is_empty(self, lifecycle_pages: Pages, reports: WaybillClient) -> None:
        page = lifecycle_pages.open(f"/reports/{run(reports, parameters=QUICK).id}")

        expect(page.locator("#logs")).to_contain_text("printed and logged nothing")
        expect(page.locator("#progress tbody tr")).not_to_have_count(0)
        expect(page.get_by_role("link", name="Log of")).to_have_count(0)


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_stored_scripts_do_nothing(
    lifecycle_pages: Pages, reports: WaybillClient, java_script_enabled: bool
) -> None:
    name = "<img src=x onerror=document.title=1>.txt"
    asked = reports.request(
        "writer",
        {"files": [file(name, "text/plain", SCRIPT.encode())], "text": SCRIPT, "fails": True},
        tags=["<script>document.title=1<\\script>"],
    )
    report = ended(reports, asked.id)
    assert report.status == "fail"
    eventually(lambda: list(reports.logs(report.id)), "its logs")
    page = lifecycle_pages.open(f"/reports/{report.id}?file={name}", java_script_enabled=java_script_enabled)

    for part in ("#progress", "#attempts", "#files", "#history", "#logs", "#head"):
        expect(page.locator(part)).to_contain_text("<img src=x onerror")
    expect(page.locator("#facts")).to_contain_text("<script>document")
    expect(page.locator(".parameters")).to_contain_text("<img src=x onerror")
    expect(page).to_have_title("✗ Failed \N{EN DASH} Writer · Waybill")
    assert page.locator("main img").count() == 0


def test_it_fits_a_phone_and_paper_and_needs_no_scripts(
    lifecycle_pages: Pages, reports: WaybillClient
) -> None:
    report = run(reports, "talk", {"ways": ["print"], "text": "x" * 500})
    page = lifecycle_pages.open(f"/reports/{report.id}", viewport=PHONE)
    expect(status(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    lifecycle_pages.check_accessible(page)

    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Run again")).to_be_hidden()
    expect(page.locator("#logs .log")).to_have_css("max-height", "none")

    plain = lifecycle_pages.open(f"/reports/{report.id}", java_script_enabled=False)
    expect(status(plain)).to_have_text("Done")
    plain.get_by_role("button", name="Run again").click()
    expect(plain.get_by_role("link", name=str(report.id))).to_be_visible()


class TestOutages:
    """On the shared stack, whose parts they stop."""

    @pytest.mark.parametrize("part", ["producer-api", "postgres"])
    def test_it_goes_on_when_what_was_away_is_back(
        self, pages: Pages, stack: Stack, client: WaybillClient, part: str
    ) -> None:
        pages.expected += ["ERR_", "503"]
        report = running(client, "dowork", {"steps": 1000, "failing_step": None, "max_step_ms": 400})
        page = pages.open(f"/reports/{report.id}")
        mark(page)
        connection = page.locator("#connection")
        expect(connection).to_have_text("Live")

        stack.stop_part(part)
        try:
            expect(connection).to_have_text("Reconnecting…")
        finally:
            stack.start_part(part)

        expect(connection).to_have_text("Live")
        eventually(lambda: client.cancel(report.id), "its cancellation")
        expect(status(page)).to_have_text("Cancelled")
        assert is_same(page)


def test_many_reports_may_be_open_at_once(lifecycle_pages: Pages, api: httpx.Client) -> None:
    """A browser has six connections to a server: pages that are not seen have none."""
    report_id = ask.request(api, "slow", steps=100, seconds=1)
    ask.running(api, report_id)
    first = lifecycle_pages.open(f"/reports/{report_id}")
    try:
        expect(first.get_by_text("Live", exact=True)).to_be_visible()
        for _ in range(7):
            hide(first.context.pages[-1], hidden=True)
            page = first.context.new_page()
            page.goto(f"/reports/{report_id}")
            expect(page.get_by_text("Live", exact=True)).to_be_visible()
        hide(first, hidden=False)
        expect(first.locator("[data-steps] tr[data-runs]")).to_have_count(1)
    finally:
        api.post(f"/api/v1/reports/{report_id}:cancel").raise_for_status()
    expect(first.get_by_text("Ended", exact=True)).to_be_visible()


def hide(page: Page, *, hidden: bool) -> None:
    """As a browser does with the pages behind the one that is seen."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )

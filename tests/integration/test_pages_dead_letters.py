"""Dead letters in a browser: what waits and why, and another try."""

from playwright.sync_api import Dialog, Locator, Page, expect

from tests.support.browser import PHONE, Pages
from tests.support.kafka import Record, Topics
from tests.support.lifecycle_stack import NAMES
from tests.support.reports import run
from tests.support.waiting import eventually
from waybill_client import Report, WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]

SCRIPT = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def failed(reports: WaybillClient) -> Report:
    report = run(reports, "raise_one", {"how": "long"})
    assert report.status == "fail"
    return report


def unreadable(topics: Topics, reports: WaybillClient, value: bytes) -> str:
    """The id of the dead letter of a message with this value."""
    (sent,) = topics.send(NAMES.report, Record(value))

    def found() -> str | None:
        letters = reports.dead_letters(limit=200)
        place = (sent.partition, sent.offset)
        return next((str(one.id) for one in letters if (one.partition, one.offset) == place), None)

    return eventually(found, "the dead letter of the message")


def row(page: Page, report: Report) -> Locator:
    return page.locator("tr[data-row]").filter(has=page.locator(f"a[href$='{report.id}']"))


def accept(page: Page) -> list[str]:
    """Says yes to every question; which those were."""
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept()

    page.on("dialog", answer)
    return questions


def test_one_that_is_redriven_leaves_the_list(lifecycle_pages: Pages, reports: WaybillClient) -> None:
    report = failed(reports)
    page = lifecycle_pages.open("/dead-letters?reason=step_failed")
    row(page, report).get_by_role("link").first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("A step failed")
    expect(page.get_by_text("LongError").first).to_be_visible()  # the stack
    lifecycle_pages.check_accessible(page)

    page.get_by_role("button", name="Redrive", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 1 restarted")
    assert eventually(lambda: reports.show(report.id).attempt == 2, "its second attempt")
    page.goto("/dead-letters?redriven=1")
    expect(row(page, report).filter(has_text="redriven")).to_be_visible()


def test_many_are_redriven_with_the_outcome_of_each(lifecycle_pages: Pages, reports: WaybillClient) -> None:
    one, other = failed(reports), failed(reports)
    page = lifecycle_pages.open("/dead-letters")
    questions = accept(page)
    button = page.get_by_role("button", name="Redrive chosen")
    expect(button).to_be_disabled()
    for report in (one, other):
        row(page, report).get_by_role("checkbox").check()
    # by another person, meanwhile
    reports.retry(other.id)

    page.get_by_role("button", name="Redrive chosen (2)").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 2 restarted")
    assert questions == ["Redrive 2 dead letters?"]
    expect(page.locator("tr[data-row]").filter(has_text="Stays")).to_have_count(1)
    lifecycle_pages.check_accessible(page)


def test_a_new_one_comes_without_a_reload_and_what_is_chosen_stays_so(
    lifecycle_pages: Pages, reports: WaybillClient
) -> None:
    before = failed(reports)
    page = lifecycle_pages.open("/dead-letters")
    row(page, before).get_by_role("checkbox").check()
    report = failed(reports)

    expect(row(page, report)).to_be_visible()
    expect(row(page, before).get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("button", name="Redrive chosen (1)")).to_be_enabled()


def test_a_message_is_shown_as_text_or_as_hex_and_does_nothing(
    lifecycle_pages: Pages, reports: WaybillClient, topics: Topics
) -> None:
    as_text = unreadable(topics, reports, SCRIPT.encode())
    as_hex = unreadable(topics, reports, b"\xff\xfe\x00waybill")

    page = lifecycle_pages.open(f"/dead-letters/{as_text}")
    expect(page.locator("pre").filter(has_text=SCRIPT)).to_be_visible()
    expect(page).to_have_title("The message is not JSON · Waybill")

    page.goto(f"/dead-letters/{as_hex}")
    expect(page.locator("pre").filter(has_text="ff fe 00 77 61 79")).to_be_visible()
    lifecycle_pages.check_accessible(page)


def test_it_works_without_scripts_and_on_a_phone(lifecycle_pages: Pages, reports: WaybillClient) -> None:
    report = failed(reports)
    page = lifecycle_pages.open("/dead-letters", java_script_enabled=False, viewport=PHONE)
    row(page, report).get_by_role("checkbox").check()

    page.get_by_role("button", name="Redrive chosen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Redrive 1 dead letter?")
    assert reports.show(report.id).status == "fail", "nothing is done before the answer"
    page.get_by_role("button", name="Redrive 1").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 1 restarted")
    page.goto("/dead-letters/redrive")  # as from the browser's history
    expect(page.get_by_role("heading", level=1)).to_have_text("Dead letters")


def test_all_with_a_reason_are_meant_whatever_is_chosen(
    lifecycle_pages: Pages, reports: WaybillClient
) -> None:
    """Without scripts; with them, the boxes are emptied."""
    one, other = failed(reports), failed(reports)
    page = lifecycle_pages.open("/dead-letters?reason=step_failed", java_script_enabled=False)
    row(page, one).get_by_role("checkbox").check()

    page.get_by_role("button", name="Redrive all with this reason").click()
    page.get_by_role("link", name="Go back").click()
    expect(row(page, other)).to_be_visible()
    page.get_by_role("button", name="Redrive all with this reason").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("with the reason “A step failed”?")
    page.get_by_role("button", name="Redrive").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("restarted")
    assert eventually(lambda: reports.show(other.id).attempt == 2, "its second attempt")


def test_an_id_that_is_none_is_not_found(lifecycle_pages: Pages) -> None:
    lifecycle_pages.expected.append("404")
    for wrong in ("seven", "019ab000-0000-7000-8000-000000000001"):
        page = lifecycle_pages.open(f"/dead-letters/{wrong}")
        expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")

"""Lists are in the order of the database's time, whatever the clocks of the hosts say that make the ids."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random
from uuid import UUID, uuid4

import pytest

from tests.support.database import Database
from tests.support.lifecycle_store import Store
from waybill.domain import NewReport, Status, new_report_id, time_in
from waybill.store import DeadLetterFilter, ReportFilter

pytest_plugins = ["tests.support.lifecycle_fixtures"]

HOUR = timedelta(hours=1)
CLOCKS = (timedelta(0), -24 * HOUR, 24 * HOUR, -HOUR)


def id_by_a_clock_that_is(wrong: timedelta) -> UUID:
    """A UUIDv7 as a host makes it whose clock is wrong by that."""
    milliseconds = round((time.time() + wrong.total_seconds()) * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | Random().getrandbits(62))


def requested(store: Store, count: int = 12) -> list[UUID]:
    """Reports in the order of their requests, by hosts with different clocks."""
    ids = [id_by_a_clock_that_is(wrong) for wrong, _ in zip(cycle(CLOCKS), range(count), strict=False)]
    for report_id in ids:
        store.ledger.accept(NewReport(report_id, "dowork", {}, None))
    return ids


def pages(page: Callable[[UUID | None], list[UUID]]) -> list[UUID]:
    """Everything, page by page."""
    found: list[UUID] = []
    while more := page(found[-1] if found else None):
        found += more
    return found


def reports_behind(store: Store, cursor: UUID | None, **more: object) -> list[UUID]:
    wanted = ReportFilter(before=cursor, limit=5, **more)  # type: ignore[arg-type]
    return [report.id for report in store.ledger.page(wanted).reports]


def test_the_newest_report_is_the_first_and_no_page_leaves_one_out(store: Store) -> None:
    ids = requested(store)

    assert pages(lambda cursor: reports_behind(store, cursor)) == ids[::-1]
    assert pages(lambda cursor: reports_behind(store, cursor, kinds=["dowork"])) == ids[::-1]
    assert pages(lambda cursor: reports_behind(store, cursor, statuses=[Status.INIT])) == ids[::-1]


def test_dead_letters_too(store: Store) -> None:
    ids = [id_by_a_clock_that_is(wrong) for wrong in CLOCKS * 3]
    for number, letter_id in enumerate(ids):
        Database(store.engine).execute(
            'INSERT INTO dead_letters (id, reason, detail, source, topic, partition, "offset")'
            " VALUES (:id, 'not_json', 'whatever', :source, 'report', 0, 0)",
            id=letter_id,
            source=f"source-{number}",
        )

    def behind(cursor: UUID | None) -> list[UUID]:
        page = store.dead_letters.page(DeadLetterFilter(before=cursor, limit=5))
        return [letter.id for letter in page]

    assert pages(behind) == ids[::-1]


def test_a_cursor_of_a_report_that_was_removed_goes_on_at_its_ids_time(store: Store) -> None:
    ids = []
    for _ in range(3):
        time.sleep(0.002)  # the id has milliseconds
        ids.append(store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None)).id)
    older, removed, _newer = ids
    Database(store.engine).execute("DELETE FROM reports WHERE id = :id", id=removed)

    assert reports_behind(store, removed) == [older]


@pytest.mark.parametrize("cursor", [uuid4(), UUID(int=0), UUID(int=2**128 - 1)])
def test_a_cursor_that_is_no_reports_is_behind_all(cursor: UUID, store: Store) -> None:
    requested(store, 2)

    assert reports_behind(store, cursor) == []


def test_the_time_in_an_id() -> None:
    assert abs(time_in(new_report_id()) - datetime.now(UTC)) < HOUR
    assert time_in(UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")).year == 9999
    assert time_in(uuid4()).year == 1970


def test_a_page_of_large_reports_ends_early(store: Store) -> None:
    """What 200 of them take in memory would be hundreds of MiB."""
    large = {"anything": list(range(40_000))}
    ids = [store.ledger.accept(NewReport(new_report_id(), "loose", large, None)).id for _ in range(20)]

    first = store.ledger.page(ReportFilter(limit=200))

    assert first.more
    assert 0 < len(first.reports) <= 2 * 1024 * 1024 // 200_000
    assert pages(lambda cursor: reports_behind(store, cursor)) == ids[::-1]


def test_a_report_that_is_larger_than_a_page_has_one_of_its_own(store: Store) -> None:
    huge = {"anything": "x" * 3_000_000}
    ids = [store.ledger.accept(NewReport(new_report_id(), "loose", huge, None)).id for _ in range(2)]

    page = store.ledger.page(ReportFilter(limit=200))

    assert ([report.id for report in page.reports], page.more) == (ids[1:], True)
    last = store.ledger.page(ReportFilter(limit=200, before=ids[1]))
    assert ([report.id for report in last.reports], last.more) == (ids[:1], False)

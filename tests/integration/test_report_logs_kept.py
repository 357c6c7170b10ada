"""How the logs of reports are kept: each line once, bounded, and read in order from any position."""

from uuid import UUID

import pytest

from tests.support.lifecycle_store import Store
from waybill.domain import LOG_BEGINNING, LogPosition, NewLogChunk, NewReport, new_report_id
from waybill.store import WantedLog

pytest_plugins = ["tests.support.lifecycle_fixtures"]


@pytest.fixture
def report_id(store: Store) -> UUID:
    return store.ledger.accept(NewReport(new_report_id(), "slow", {}, None)).id


def chunk(report_id: UUID, attempt: int, first: int, last: int, bytes_: int = 100) -> NewLogChunk:
    """Lines, each with its position as its text; of the step `odd` or `even`."""
    records = [
        {
            "at": "2026-11-23T12:00:00.000+00:00",
            "stream": "stdout",
            "step": "odd" if line % 2 else "even",
            "text": f"{attempt}:{line}",
        }
        for line in range(first, last + 1)
    ]
    return NewLogChunk(report_id, attempt, first, records, bytes_)


def texts(store: Store, wanted: WantedLog, step: str | None = None, limit: int = 1000) -> list[str]:
    found, _ = store.report_logs.page(wanted, step, limit)
    return [f"{one.dropped} dropped" if one.dropped else one.text for one in found]


def test_what_is_written_twice_is_kept_once(store: Store, report_id: UUID) -> None:
    for _ in range(2):
        store.report_logs.write([chunk(report_id, 1, 1, 2), chunk(report_id, 1, 3, 3)])

    assert texts(store, WantedLog(report_id)) == ["1:1", "1:2", "1:3"]


def test_what_is_of_a_report_that_is_gone_costs_no_other_its_log(store: Store, report_id: UUID) -> None:
    store.report_logs.write([chunk(new_report_id(), 1, 1, 2), chunk(report_id, 1, 1, 1)])

    assert texts(store, WantedLog(report_id)) == ["1:1"]


def test_a_lost_attempts_late_lines_are_its_own(store: Store, report_id: UUID) -> None:
    store.report_logs.write([chunk(report_id, 2, 1, 2)])
    store.report_logs.write([chunk(report_id, 1, 1, 2)])

    assert texts(store, WantedLog(report_id)) == ["1:1", "1:2", "2:1", "2:2"]
    assert texts(store, WantedLog(report_id, attempt=2)) == ["2:1", "2:2"]


WHOLE = ["1:1", "1:2", "1:3", "1:4", "1:5", "3 dropped", "1:9", "1 dropped", "2:2"]


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (LOG_BEGINNING, WHOLE),
        (LogPosition(1, 1), WHOLE[1:]),
        (LogPosition(1, 3), WHOLE[3:]),
        (LogPosition(1, 4), WHOLE[4:]),
        (LogPosition(1, 5), WHOLE[5:]),
        (LogPosition(1, 6), ["2 dropped", *WHOLE[6:]]),
        (LogPosition(1, 8), WHOLE[6:]),
        (LogPosition(1, 9), WHOLE[7:]),
        (LogPosition(1, 999), WHOLE[7:]),
        (LogPosition(2, 1), WHOLE[8:]),
        (LogPosition(2, 2), []),
        (LogPosition(7, 1), []),
    ],
)
def test_it_is_read_from_any_position(
    store: Store, report_id: UUID, after: LogPosition, found: list[str]
) -> None:
    chunks = [(1, 1, 3), (1, 4, 5), (1, 9, 9), (2, 2, 2)]
    store.report_logs.write([chunk(report_id, *one) for one in chunks])

    assert texts(store, WantedLog(report_id, after)) == found


def test_pages_and_steps_are_of_many_chunks(store: Store, report_id: UUID) -> None:
    store.report_logs.write([chunk(report_id, 1, line, line) for line in range(1, 201)])

    assert texts(store, WantedLog(report_id), "odd") == [f"1:{line}" for line in range(1, 201, 2)]
    found, more = store.report_logs.page(WantedLog(report_id), None, 150)
    assert (len(found), more) == (150, True)
    found, more = store.report_logs.page(WantedLog(report_id, found[-1].position), None, 50)
    assert ([one.text for one in found], more) == ([f"1:{line}" for line in range(151, 201)], False)


def test_logs_of_several_reports_are_read_together(store: Store, report_id: UUID) -> None:
    other = store.ledger.accept(NewReport(new_report_id(), "slow", {}, None)).id
    store.report_logs.write([chunk(report_id, 1, 1, 2), chunk(other, 1, 1, 4), chunk(other, 1, 5, 5)])

    found = store.report_logs.after_each(
        [WantedLog(other, LogPosition(1, 4)), WantedLog(new_report_id()), WantedLog(report_id)], 10
    )

    assert [[one.line for one in chunks] for chunks in found] == [[5], [], [1]]


def test_of_too_much_the_first_half_the_last_half_and_each_attempts_end_are_kept(
    store: Store, report_id: UUID
) -> None:
    chunks = [chunk(report_id, attempt, line, line) for attempt in (1, 2, 3) for line in range(1, 11)]
    store.report_logs.write(chunks)
    other = store.ledger.accept(NewReport(new_report_id(), "slow", {}, None)).id
    store.report_logs.write([chunk(other, 1, 1, 1, 10_000)])

    store.report_logs.trim([report_id], 1000)
    store.report_logs.trim([report_id], 1000)

    assert texts(store, WantedLog(report_id)) == [
        *["1:1", "1:2", "1:3", "1:4", "1:5", "4 dropped", "1:10"],
        *["9 dropped", "2:10"],
        *["5 dropped", "3:6", "3:7", "3:8", "3:9", "3:10"],
    ]
    assert texts(store, WantedLog(other)) == ["1:1"]


def test_the_ends_of_many_attempts_are_bounded_too(store: Store, report_id: UUID) -> None:
    store.report_logs.write([chunk(report_id, attempt, 1, 1, 1000) for attempt in range(1, 101)])

    store.report_logs.trim([report_id], 2000)

    assert texts(store, WantedLog(report_id)) == ["1:1", *[f"{attempt}:1" for attempt in range(81, 101)]]


class TestNewest:
    def of(
        self, store: Store, report_id: UUID, limit: int, step: str | None = None, stream: str | None = None
    ) -> tuple[list[str], bool]:
        found, more = store.report_logs.newest(report_id, limit, step, stream)
        return [f"{one.dropped} dropped" if one.dropped else one.text for one in found], more

    def test_the_last_lines_of_all_attempts_in_order(self, store: Store, report_id: UUID) -> None:
        assert self.of(store, report_id, 3) == ([], False)
        store.report_logs.write([chunk(report_id, 1, 1, 4), chunk(report_id, 2, 1, 2)])

        assert self.of(store, report_id, 3) == (["1:4", "2:1", "2:2"], True)
        assert self.of(store, report_id, 6)[1] is False

    def test_of_one_step_or_stream(self, store: Store, report_id: UUID) -> None:
        store.report_logs.write([chunk(report_id, 1, 1, 5)])

        assert self.of(store, report_id, 2, step="odd") == (["1:3", "1:5"], True)
        assert self.of(store, report_id, 9, step="even", stream="stdout") == (["1:2", "1:4"], False)
        assert self.of(store, report_id, 9, stream="stderr") == ([], False)

    def test_lines_that_are_missing_in_between_are_said(self, store: Store, report_id: UUID) -> None:
        store.report_logs.write([chunk(report_id, 1, 1, 1), chunk(report_id, 1, 4, 4)])

        assert self.of(store, report_id, 9) == (["1:1", "2 dropped", "1:4"], False)

    def test_of_very_many_chunks_the_last_are_read(self, store: Store, report_id: UUID) -> None:
        store.report_logs.write([chunk(report_id, 1, line, line) for line in range(1, 101)])

        found, more = self.of(store, report_id, 1000)

        assert (found[0], found[-1], len(found), more) == ("1:37", "1:100", 64, True)

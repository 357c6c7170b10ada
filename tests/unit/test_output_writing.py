"""What a worker's jobs print is written together, and never holds anything up.

The database is a double: no real one is away, or refuses a statement, on demand.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from report_worker.output.entries import Entry
from report_worker.output.policy import OutputPolicy
from report_worker.output.writing import LogWriter
from waybill.domain import NewLogChunk
from waybill.store import StoreUnavailable

POLICY = OutputPolicy(max_bytes=64 * 1024)


class Table:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.statements: list[list[NewLogChunk]] = []
        self.trimmed: list[UUID] = []

    def write(self, chunks: Sequence[NewLogChunk]) -> None:
        if self.error:
            raise self.error
        self.statements.append(list(chunks))

    def trim(self, report_ids: Sequence[UUID], max_bytes: int) -> None:
        assert max_bytes == POLICY.max_bytes
        self.trimmed += report_ids

    @property
    def texts(self) -> list[str]:
        return [one["text"] for chunks in self.statements for chunk in chunks for one in chunk.records]


class Dropped(list[int]):
    def __call__(self, lines: int) -> None:
        self.append(lines)


def said(*texts: str) -> Entry:
    return Entry.of_lines(0, "stdout", None, "".join(f"{text}\n" for text in texts).encode())


def test_all_jobs_share_a_statement_and_where_there_is_nothing_there_is_none() -> None:
    table = Table()
    writer = LogWriter(table, POLICY, Dropped())
    logs = [writer.open(uuid4(), 1) for _ in range(3)]
    writer.write()
    assert table.statements == []

    for number, one in enumerate(logs):
        one.add(said(f"of {number}"))
    writer.write()
    writer.write()

    assert [sorted(chunk.records[0]["text"] for chunk in chunks) for chunks in table.statements] == [
        ["of 0", "of 1", "of 2"]
    ]
    assert table.trimmed == []


def test_while_the_database_is_away_lines_wait_and_those_beyond_the_limit_are_counted() -> None:
    table, dropped = Table(), Dropped()
    writer = LogWriter(table, POLICY, dropped)
    one = writer.open(uuid4(), 1)
    one.add(said("first"))
    table.error = StoreUnavailable("The database is away.")
    for number in range(50):
        with pytest.raises(StoreUnavailable):
            writer.write()
        one.add(said(*[f"{number} {'x' * 300}"] * 100))
    one.end()

    table.error = None
    writer.write()

    assert table.texts[0] == "first"
    assert table.texts[-1].startswith("49 ")
    assert len(table.texts) + sum(dropped) == 5001
    assert sum(dropped) > 4500


def test_what_the_database_refuses_is_dropped_and_counted_and_the_next_is_written() -> None:
    table, dropped = Table(), Dropped()
    writer = LogWriter(table, POLICY, dropped)
    one = writer.open(uuid4(), 1)
    one.add(said("a", "b"))
    table.error = ValueError("not this")
    with capture_logs() as lines:
        writer.write()
    table.error = None
    one.add(said("c"))
    writer.write()

    assert (table.texts, dropped) == (["c"], [2])
    assert [line["event"] for line in lines] == ["logs of reports dropped: the database does not take them"]


def test_jobs_that_have_ended_are_forgotten_once_they_are_written() -> None:
    writer = LogWriter(Table(), POLICY, Dropped())
    one = writer.open(uuid4(), 1)
    one.add(said("last"))
    one.end()

    writer.write()

    assert writer._logs == []


def test_jobs_that_end_while_the_database_is_away_take_a_bounded_part_of_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("report_worker.output.writing._MAX_ENDED_BYTES", 2 * POLICY.max_bytes)
    table, dropped = Table(), Dropped()
    writer = LogWriter(table, POLICY, dropped)
    table.error = StoreUnavailable("The database is away.")
    for number in range(20):
        one = writer.open(uuid4(), 1)
        one.add(said(*[f"{number} {'x' * 300}"] * 1000))
        one.end()
        with pytest.raises(StoreUnavailable):
            writer.write()

    waiting = sum(one.waiting_bytes for one in writer._logs)
    table.error = None
    writer.write()

    assert waiting <= 2 * POLICY.max_bytes
    assert len(table.texts) + sum(dropped) == 20_000
    assert table.texts[-1].startswith("19 ")


def test_a_report_is_trimmed_only_where_it_may_have_too_much() -> None:
    """What earlier attempts have written is not known here."""
    table = Table()
    writer = LogWriter(table, POLICY, Dropped())
    first, second = writer.open(uuid4(), 1), writer.open(uuid4(), 2)
    for one in (first, second):
        one.add(said("a line"))
    writer.write()
    assert table.trimmed == []

    for one in (first, second):
        one.add(said("the last"))
        one.end()
    writer.write()

    assert table.trimmed == [second.report_id]


def test_a_first_attempt_is_trimmed_now_and_then_once_it_has_written_more_than_the_limit() -> None:
    one = LogWriter(Table(), POLICY, Dropped()).open(uuid4(), 1)
    part = POLICY.max_bytes // 16

    due = [one.is_over(part) for _ in range(24)]

    assert due[:16] == [False] * 16
    assert sum(due) == 3
    one.end()
    assert one.is_over(1)


def test_the_last_lines_are_written_when_the_worker_stops() -> None:
    table = Table()
    writer = LogWriter(table, POLICY, Dropped())
    writer.start()
    writer.open(uuid4(), 1).add(said("at the last moment"))

    writer.stop()

    assert table.texts == ["at the last moment"]

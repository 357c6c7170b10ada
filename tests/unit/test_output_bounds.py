"""The first and the last lines of a job are kept, and how many were dropped in between is known."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_worker.output.entries import Entry
from report_worker.output.job_log import JobLog, chunks_of
from report_worker.output.policy import OutputPolicy
from waybill.domain import LOG_BEGINNING, LogChunk, LogRecord, records_after

POLICY = OutputPolicy(max_bytes=64 * 1024, line_bytes=100)


def log() -> JobLog:
    return JobLog(uuid4(), 1, POLICY)


def printed(first: int, last: int, width: int = 6) -> Entry:
    """Lines, each with its number."""
    return Entry.of_lines(0, "stdout", None, b"".join(b"%0*d\n" % (width, n) for n in range(first, last + 1)))


def taken(one: JobLog, now: float = 0) -> list[LogChunk]:
    return [
        LogChunk(chunk.attempt, chunk.line, chunk.records) for chunk in chunks_of(one, one.take(now), POLICY)
    ]


def numbers(records: list[LogRecord]) -> list[int]:
    return [int(record.text) for record in records if not record.dropped]


def test_what_fits_is_kept_in_its_order() -> None:
    one = log()
    one.add(printed(1, 10))
    one.add(printed(11, 20))
    one.end()

    assert numbers(list(records_after(LOG_BEGINNING, taken(one)))) == list(range(1, 21))
    assert one.take_dropped() == 0
    assert one.is_done


def test_of_more_the_first_and_the_last_lines_are_kept_and_the_others_counted() -> None:
    one = log()
    for first in range(1, 100_000, 1000):
        one.add(printed(first, first + 999))
    one.end()

    records = list(records_after(LOG_BEGINNING, taken(one)))

    kept = numbers(records)
    (gap,) = [record for record in records if record.dropped]
    head = kept[: records.index(gap)]
    assert head == list(range(1, len(head) + 1))
    assert kept[len(head) :] == list(range(100_001 - (len(kept) - len(head)), 100_001))
    assert gap.dropped == 100_000 - len(kept) == one.take_dropped()
    assert f"{gap.dropped:,} lines were dropped" in gap.text
    assert len(head) == pytest.approx(POLICY.half / 107, rel=0.05)
    assert len(kept) == pytest.approx(POLICY.max_bytes / 107, rel=0.05)


def test_the_first_lines_are_written_at_once_and_the_others_slowly_until_the_end() -> None:
    one = log()
    one.add(printed(1, 400, width=300))
    first = numbers(list(records_after(LOG_BEGINNING, taken(one, now=0))))
    one.add(printed(401, 440, width=300))

    soon = sum(len(chunk.records) for chunk in taken(one, now=0.5))
    later = sum(len(chunk.records) for chunk in taken(one, now=1.5))
    one.end()
    rest = sum(len(chunk.records) for chunk in taken(one, now=1.5))

    assert len(first) == pytest.approx(POLICY.half / 401, abs=2)
    assert soon == pytest.approx(0.5 * POLICY.bytes_per_second / 401, abs=2)
    assert later == pytest.approx(1.0 * POLICY.bytes_per_second / 401, abs=2)
    assert rest > 5 * later


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 400), st.booleans()), min_size=1, max_size=12))
def test_whatever_comes_each_line_is_kept_or_counted_and_no_more_than_the_limit_waits(
    blocks: list[tuple[int, int, bool]],
) -> None:
    one, chunks, line = log(), [], 0
    for number, (lines, width, takes) in enumerate(blocks):
        one.add(printed(line + 1, line + lines, width))
        line += lines
        assert one.waiting_bytes <= 1.02 * POLICY.max_bytes + 2 * (width + 106)
        if takes:
            chunks += taken(one, now=number)
    one.end()
    chunks += taken(one, now=100)

    records = list(records_after(LOG_BEGINNING, chunks))
    assert all(record.position.line == int(record.text) for record in records if not record.dropped)
    assert sum(record.dropped or 1 for record in records) == records[-1].position.line
    lost_at_the_end = line - records[-1].position.line
    assert sum(record.dropped for record in records) + lost_at_the_end == one.take_dropped()
    assert lost_at_the_end == 0


def test_a_line_that_is_longer_than_all_that_is_kept_is_cut() -> None:
    one = log()
    one.add(Entry.of_lines(0, "stdout", None, b"x" * 500_000 + b"\n"))
    one.end()

    ((record,),) = [chunk.records for chunk in taken(one)]
    assert (len(record["text"]), record["text"][-1]) == (8192, "…")


def test_rows_are_of_a_bounded_size() -> None:
    one = log()
    one.add(printed(1, 200, width=100))
    one.end()

    sizes = [chunk.bytes for chunk in chunks_of(one, one.take(0), POLICY)]

    assert len(sizes) > 1
    assert max(sizes) <= POLICY.max_chunk_bytes


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"password=hunter2 next\n", ["password=REDACTED next"]),
        (b"ok\nAuthorization: Bearer abc.def\nok\n", ["ok", "Authorization: REDACTED REDACTED", "ok"]),
        (b"postgresql://me:hunter2@db/x\n", ["postgresql://REDACTED@db/x"]),
        (b"password='\nnext line\n", ["password='REDACTED'", "next line"]),
        (b"nul\0 and \xff\r\n", ["nul\\x00 and \\xff"]),
        ("Größe 🎉\n".encode(), ["Größe 🎉"]),
    ],
)
def test_no_secret_and_nothing_that_the_database_refuses_is_kept(data: bytes, shown: list[str]) -> None:
    assert [record["text"] for record in Entry.of_lines(0, "stdout", None, data).records()] == shown

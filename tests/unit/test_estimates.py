"""When a report may begin and end: from how long others took, how many wait, and how many run at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from waybill.domain import MAX_AHEAD, Circumstances, Report, Status, estimate, new_report_id

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEN = [float(seconds) for seconds in range(10, 20)]
"""Most of them lasted from 10 to 19 s."""


def report(status: Status = Status.INIT, **fields: Any) -> Report:
    plain = Report(new_report_id(), "dowork", {}, status, 1, 0, None, None, None, None, NOW, NOW, None, None)
    return replace(plain, **fields)


def known(**fields: Any) -> Circumstances:
    return Circumstances(**{"now": NOW, "durations": TEN, "slots": 2, "running": 2, "ahead": 0, **fields})


def seconds(one: Report, circumstances: Circumstances) -> tuple[float, ...] | None:
    """From now to its start and its end, each the earliest and the latest."""
    found = estimate(one, circumstances)
    if found is None:
        return None
    times = (found.start_from, found.start_to, found.end_from, found.end_to)
    return tuple((time - NOW).total_seconds() for time in times)


@pytest.mark.parametrize(
    ("ahead", "running", "expected"),
    [
        (0, 0, (0, 0, 10, 19)),
        (1, 0, (0, 0, 10, 19)),
        (0, 1, (0, 0, 10, 19)),
        (0, 2, (0, 19, 10, 38)),
        (1, 2, (0, 19, 10, 38)),
        (2, 2, (10, 38, 20, 57)),
        (9, 2, (40, 95, 50, 114)),
    ],
)
def test_one_that_waits_starts_when_those_ahead_have_had_their_slots(
    ahead: int, running: int, expected: tuple[float, ...]
) -> None:
    assert seconds(report(), known(ahead=ahead, running=running)) == expected


def test_its_place_is_counted_up_to_a_bound() -> None:
    first, last = (estimate(report(), known(ahead=ahead)) for ahead in (0, MAX_AHEAD + 1))

    assert first
    assert (first.position, first.position_more, first.based_on) == (1, False, 10)
    assert last
    assert (last.position, last.position_more) == (MAX_AHEAD, True)


def test_one_that_runs_ends_by_its_start_and_never_before_now() -> None:
    started = report(Status.PROCESSING, started_at=NOW - timedelta(seconds=15))

    assert seconds(started, known(slots=0)) == (-15, -15, 0, 4)
    assert estimate(started, known()).position is None  # type: ignore[union-attr]


def test_a_retry_does_not_start_before_its_time() -> None:
    waiting = report(not_before=NOW + timedelta(seconds=30))

    assert seconds(waiting, known(running=0)) == (30, 30, 40, 49)


@pytest.mark.parametrize(
    ("one", "circumstances"),
    [
        (report(Status.DONE), known()),
        (report(Status.CANCELLED), known()),
        (report(Status.PROCESSING, cancel_requested=True), known()),
        (report(), known(durations=TEN[:4])),
        (report(), known(slots=0)),
        (report(), known(is_paused=True)),
    ],
)
def test_of_what_cannot_be_foreseen_there_is_none(one: Report, circumstances: Circumstances) -> None:
    assert estimate(one, circumstances) is None


def test_a_few_that_took_very_long_or_short_count_for_nothing() -> None:
    assert seconds(report(), known(durations=[0.0, *[10.0] * 19, 5000.0], running=0)) == (0, 0, 10, 10)

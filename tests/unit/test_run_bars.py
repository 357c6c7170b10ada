"""Bars of how long the newest reports of a kind took."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from producer_api.web.run_bars import HEIGHT, WIDTH, run_bars
from waybill.domain import Status
from waybill.store import EndedReport


def ended(number: int, seconds: float | None, status: Status = Status.DONE) -> EndedReport:
    """The `number`-th newest, which waited as many seconds as its number."""
    finished = datetime.now(UTC) - timedelta(minutes=number)
    started = None if seconds is None else finished - timedelta(seconds=seconds)
    created = (started or finished) - timedelta(seconds=number)
    return EndedReport(UUID(int=number), status, created, started, finished)


def test_nothing_has_ended() -> None:
    runs = run_bars([])
    assert (runs.bars, runs.slowest, runs.number) == ([], [], 0)
    assert (runs.median, runs.p95, runs.median_wait, runs.median_y) == (None, None, None, None)


def test_the_newest_is_on_the_right_and_the_longest_is_full() -> None:
    runs = run_bars([ended(1, 5.0), ended(2, 10.0), ended(3, 2.5)])
    assert [bar.report_id.int for bar in runs.bars] == [3, 2, 1]
    assert [bar.height for bar in runs.bars] == [HEIGHT / 4, HEIGHT, HEIGHT / 2]
    assert all(bar.y + bar.height == HEIGHT for bar in runs.bars)
    assert [bar.report_id.int for bar in runs.slowest] == [2, 1, 3]
    last = runs.bars[-1]
    assert WIDTH - 4 < last.x + last.width <= WIDTH
    assert runs.median_y == HEIGHT / 2


def test_those_that_failed_are_shown_but_not_in_the_figures() -> None:
    runs = run_bars(
        [ended(1, 60.0, Status.FAIL), ended(2, 10.0), ended(3, None, Status.FAIL), ended(4, 20.0)]
    )
    assert [bar.failed for bar in runs.bars] == [False, False, True]
    assert (runs.number, runs.median, runs.median_wait) == (2, 15.0, 3.0)
    assert runs.bars[-1].words.startswith("Failed in 1 min, 1 min ")
    assert runs.in_words == "The last 3 that ended, the newest on the right: 1 failed, the longest took 1 min"


def test_only_failures_have_no_figures() -> None:
    runs = run_bars([ended(1, 3.0, Status.FAIL)])
    assert len(runs.bars) == 1
    assert (runs.number, runs.median, runs.p95, runs.median_y) == (0, None, None, None)


def test_many_are_bounded_but_all_count() -> None:
    runs = run_bars([ended(number, float(number)) for number in range(1, 201)])
    assert len(runs.bars) == 60
    assert runs.bars[0].x == 0
    assert (runs.number, runs.median) == (200, 100.5)
    assert runs.p95 == pytest.approx(190.05)
    assert runs.median_y is None, "the line would be above the bars"


@pytest.mark.parametrize("seconds", [0.0, 0.0001])
def test_a_bar_of_no_time_is_seen(seconds: float) -> None:
    heights = [bar.height for bar in run_bars([ended(1, seconds), ended(2, 100.0)]).bars]
    assert heights == [HEIGHT, 2]
    assert run_bars([ended(1, 0.0)]).bars[0].height == 2

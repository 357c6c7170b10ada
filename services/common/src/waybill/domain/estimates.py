"""When a report may begin and end, from how long others of its kind took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from waybill.domain.report import TERMINAL, Report, Status

MAX_AHEAD: Final = 1000
"""Reports ahead of one that are counted."""

_LEAST: Final = 5
_LOW, _HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Circumstances:
    """What an estimate is made of, by the database's time `now`. `durations`: of the latest of the kind that
    are done, in seconds from their first start to their end. `slots` are those that the report may have, and
    `running` how many of these are taken. `ahead`: how many wait that were requested before it, one more than
    `MAX_AHEAD` at most."""

    now: datetime
    durations: Sequence[float]
    slots: int
    running: int
    ahead: int
    is_paused: bool = False


@dataclass(frozen=True)
class Estimate:
    """`position`: 1 of the report that is next, None of one that runs; `position_more`: it is at least that.
    Each time lies between two, as a rule. `based_on`: the number of reports that it was made from."""

    position: int | None
    position_more: bool
    start_from: datetime
    start_to: datetime
    end_from: datetime
    end_to: datetime
    based_on: int


def may_be_estimated(report: Report) -> bool:
    """Not one that has ended, or that a client ends."""
    return report.status not in TERMINAL and not report.cancel_requested


def estimate(report: Report, known: Circumstances) -> Estimate | None:
    """None where too few of the kind are done, and where the report waits for what cannot be foreseen: its
    kind to be resumed, or a worker to be started.

    Reports of all kinds are taken to last as long as those of this one, and turns to go by the time of the
    request.
    """
    if not may_be_estimated(report) or len(known.durations) < _LEAST:
        return None
    low, high = _spread(known.durations)
    if report.status is Status.PROCESSING:
        start = report.started_at or known.now
        return Estimate(
            None,
            False,
            start,
            start,
            max(known.now, start + low),
            max(known.now, start + high),
            len(known.durations),
        )
    if known.is_paused or known.slots < 1:
        return None
    first = max(known.now, report.not_before or known.now)
    behind = max(0, known.ahead + 1 - max(0, known.slots - known.running))
    start_from = max(first, known.now + low * ((behind - 1) // known.slots if behind else 0))
    start_to = max(first, known.now + high * ceil(behind / known.slots))
    return Estimate(
        min(known.ahead + 1, MAX_AHEAD),
        known.ahead >= MAX_AHEAD,
        start_from,
        start_to,
        start_from + low,
        start_to + high,
        len(known.durations),
    )


def _spread(durations: Sequence[float]) -> tuple[timedelta, timedelta]:
    """Within which most of them are."""
    ordered = sorted(max(0.0, seconds) for seconds in durations)
    last = len(ordered) - 1
    return timedelta(seconds=ordered[int(last * _LOW)]), timedelta(seconds=ordered[ceil(last * _HIGH)])

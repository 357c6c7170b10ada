"""What the overview says: of each status, and of each kind, from the figures of the ledger."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from producer_api.web.charts import most_in_an_hour
from waybill.domain import KindLimit, Status
from waybill.ledger import HOURS, MOST_COUNTED, Figures
from waybill.store import Durations, EndedHour, FailureCount

NOW = "now"
LATELY = f"last {HOURS} hours"
WITHIN = f"{HOURS}h"
"""As the list of reports has it in its address."""


@dataclass
class StatusFigure:
    """How many reports have a status. `is_more`: or more, since of some kind not all were counted. `within`:
    of which time, for the list's address; None of those that have it now."""

    status: Status
    number: int = 0
    is_more: bool = False
    within: str | None = None

    @property
    def period(self) -> str:
        return LATELY if self.within else NOW

    def add(self, number: int) -> None:
        """Those of a kind."""
        self.number += number
        self.is_more = self.is_more or number >= MOST_COUNTED


@dataclass
class KindFigures:
    """What the overview says of one kind."""

    name: str
    title: str
    counts: dict[Status, int] = field(default_factory=dict)
    hours: list[EndedHour] = field(default_factory=list)
    durations: Durations | None = None
    limit: KindLimit | None = None

    @property
    def ended(self) -> int:
        """Done or failed."""
        return sum(one.done + one.failed for one in self.hours)

    @property
    def is_more(self) -> bool:
        """Whether older ones of the same hours may have been left out."""
        done, failed = sum(one.done for one in self.hours), sum(one.failed for one in self.hours)
        return max(done, failed) >= MOST_COUNTED

    @property
    def most_in_an_hour(self) -> int:
        return most_in_an_hour(self.hours)

    @property
    def is_paused(self) -> bool:
        return self.limit is not None and self.limit.is_paused


@dataclass(frozen=True)
class Failures:
    """Of a kind and for one reason, in the last hours. `is_more`: not all that failed of its kind were
    counted."""

    of: FailureCount
    title: str
    is_more: bool


def by_status(figures: Figures) -> list[StatusFigure]:
    """What is under way now, then what has ended of the requests of the last hours."""
    found = {
        status: StatusFigure(status, within=None if status in (Status.INIT, Status.PROCESSING) else WITHIN)
        for status in Status
    }
    for count in figures.under_way:
        found[count.status].add(count.number)
    for kind in {one.kind for one in figures.hours}:
        hours = [one for one in figures.hours if one.kind == kind]
        found[Status.DONE].add(sum(one.done for one in hours))
        found[Status.FAIL].add(sum(one.failed for one in hours))
        found[Status.CANCELLED].add(sum(one.cancelled for one in hours))
    return list(found.values())


def oldest_waiting(figures: Figures) -> datetime | None:
    """Since when the report waits that waits longest."""
    return min((one.oldest for one in figures.under_way if one.status is Status.INIT), default=None)


def by_kind(figures: Figures, title: Callable[[str], str]) -> list[KindFigures]:
    """Those of which there are reports, the busiest first."""
    found: dict[str, KindFigures] = {}

    def of(kind: str) -> KindFigures:
        """Also of a kind whose first report has come between two of the readings."""
        return found.setdefault(kind, KindFigures(kind, title(kind), limit=figures.limits.get(kind)))

    for kind in figures.kinds:
        of(kind)
    for count in figures.under_way:
        of(count.kind).counts[count.status] = count.number
    for hour in figures.hours:
        of(hour.kind).hours.append(hour)
    for durations in figures.durations:
        of(durations.kind).durations = durations
    return sorted(found.values(), key=lambda one: (-one.ended, one.title))


def what_fails(failures: Sequence[FailureCount], title: Callable[[str], str]) -> list[Failures]:
    return [Failures(one, title(one.kind), _of_kind(failures, one.kind) >= MOST_COUNTED) for one in failures]


def _of_kind(failures: Iterable[FailureCount], kind: str) -> int:
    return sum(one.number for one in failures if one.kind == kind)

"""How long the newest reports of a kind took: bars, as numbers that a template makes SVG of."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final
from uuid import UUID

from producer_api.web.words import in_words, since, status_word
from waybill.domain import Status
from waybill.store import EndedReport

WIDTH: Final = 480
HEIGHT: Final = 72
_BARS: Final = 60
_STEP: Final = WIDTH / _BARS
_GAP: Final = 2
_LOWEST: Final = 2
"""A bar that is lower is not seen."""
_SLOWEST: Final = 3


@dataclass(frozen=True)
class RunBar:
    """A report that has ended, from the ground; lengths in SVG's units."""

    report_id: UUID
    x: float
    width: float
    y: float
    height: float
    failed: bool
    took: float
    words: str


@dataclass(frozen=True)
class Runs:
    """The newest reports of a kind that ended: `bars` from left to right, the newest last, and the slowest of
    them, slowest first. The figures are of the `number` that were done, in seconds; None where none was.
    `median_y` is where a line shows the median, None where it is not within the bars."""

    bars: Sequence[RunBar]
    slowest: Sequence[RunBar]
    number: int
    median: float | None
    p95: float | None
    median_wait: float | None
    median_y: float | None

    @property
    def in_words(self) -> str:
        """What the bars say, for those who do not see them."""
        failed = sum(one.failed for one in self.bars)
        longest = max((one.took for one in self.bars), default=0.0)
        return (
            f"The last {len(self.bars)} that ended, the newest on the right: "
            f"{failed} failed, the longest took {in_words(longest)}"
        )


def run_bars(ended: Sequence[EndedReport]) -> Runs:
    """`ended`: the newest first. Those that never started are left out."""
    started = [(one, one.ran) for one in ended if one.ran is not None]
    shown = started[:_BARS]
    longest = max((ran for _, ran in shown), default=0.0)
    unit = HEIGHT / longest if longest else 0.0
    first = WIDTH - _STEP * len(shown)
    bars = [_bar(one, ran, first + _STEP * at, unit) for at, (one, ran) in enumerate(reversed(shown))]
    took = [ran for one, ran in started if one.status is Status.DONE]
    waited = [one.waited or 0.0 for one, _ in started if one.status is Status.DONE]
    middle = median(took) if took else None
    return Runs(
        bars=bars,
        slowest=sorted(bars, key=lambda one: -one.took)[:_SLOWEST],
        number=len(took),
        median=middle,
        p95=_p95(took),
        median_wait=median(waited) if waited else None,
        median_y=round(HEIGHT - middle * unit, 1) if middle is not None and middle <= longest else None,
    )


def _bar(report: EndedReport, ran: float, x: float, unit: float) -> RunBar:
    height = max(_LOWEST, round(ran * unit, 1))
    words = f"{status_word(report.status)} in {in_words(ran)}, {since(report.finished_at)} ago"
    return RunBar(
        report_id=report.id,
        x=round(x, 1),
        width=round(_STEP - _GAP, 1),
        y=round(HEIGHT - height, 1),
        height=height,
        failed=report.status is Status.FAIL,
        took=ran,
        words=words,
    )


def _p95(seconds: Sequence[float]) -> float | None:
    """As PostgreSQL's `percentile_cont`."""
    if len(seconds) < 2:
        return seconds[0] if seconds else None
    return quantiles(seconds, n=20, method="inclusive")[-1]

"""Small charts of the pages, as numbers that a template makes SVG of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from waybill.store import EndedHour

WIDTH: Final = 240
HEIGHT: Final = 48
_GAP: Final = 2


@dataclass(frozen=True)
class Bar:
    """From the ground: those that were done, and upon them those that failed. Lengths in SVG's units."""

    x: float
    width: float
    done_y: float
    done_height: float
    failed_y: float
    failed_height: float
    words: str


def hour_bars(hours: Iterable[EndedHour], number: int) -> list[Bar]:
    """One for each of the last `number` hours, the last on the right. Empty where nothing has ended."""
    by_hour: Mapping[int, EndedHour] = {one.hours_ago: one for one in hours if one.hours_ago < number}
    most = most_in_an_hour(by_hour.values())
    if not most:
        return []
    width = WIDTH / number
    return [
        _bar(by_hour.get(ago), ago, (number - 1 - ago) * width, width, HEIGHT / most)
        for ago in reversed(range(number))
    ]


def _bar(hour: EndedHour | None, ago: int, x: float, width: float, unit: float) -> Bar:
    done, failed = (hour.done, hour.failed) if hour else (0, 0)
    done_height, failed_height = round(done * unit, 1), round(failed * unit, 1)
    done_y = round(HEIGHT - done_height, 1)
    words = (
        f"{ago} h ago: {done} done, {failed} failed" if ago else f"last hour: {done} done, {failed} failed"
    )
    return Bar(
        round(x, 1),
        round(width - _GAP, 1),
        done_y,
        done_height,
        round(done_y - failed_height, 1),
        failed_height,
        words,
    )


def most_in_an_hour(hours: Iterable[EndedHour]) -> int:
    """What the highest bar stands for."""
    return max((one.done + one.failed for one in hours), default=0)


def in_words(hours: Sequence[EndedHour]) -> str:
    """What the bars say, for those who do not see them."""
    done, failed = sum(one.done for one in hours), sum(one.failed for one in hours)
    highest = max(hours, key=lambda one: one.done + one.failed, default=None)
    said = f"Requested in the last 24 hours: {done:,} done and {failed:,} failed"
    if highest is None:
        return said
    when = f"{highest.hours_ago} h ago" if highest.hours_ago else "in the last one"
    return f"{said}; at most {highest.done + highest.failed:,} in an hour, {when}"

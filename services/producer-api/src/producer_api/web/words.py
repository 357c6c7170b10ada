"""Times, durations and sizes as people read them: filters of the templates."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from apiflask import APIBlueprint

from waybill.domain import Status

STATUS_WORDS: Final = {
    Status.INIT: "Waiting",
    Status.PROCESSING: "Running",
    Status.DONE: "Done",
    Status.FAIL: "Failed",
    Status.CANCELLED: "Cancelled",
}
NOTHING: Final = "\N{EN DASH}"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_BYTES = ("B", "KB", "MB", "GB", "TB")


def in_words(duration: timedelta | float | None) -> str:
    """`850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`; a float is in seconds. A dash where there is none."""
    if duration is None:
        return NOTHING
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for (large, size), (small, part) in pairwise(_UNITS):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {large} {rest} {small}" if rest else f"{whole // size} {large}"
    return f"{whole} s"


def since(moment: datetime | None, until: datetime | None = None) -> str:
    """How long it is from a time to another one, or to now."""
    return in_words((until or datetime.now(UTC)) - moment) if moment else NOTHING


def until(moment: datetime) -> str:
    """How long it is from now to a time."""
    return in_words(moment - datetime.now(UTC))


def size_in_words(size: int | None) -> str:
    """`512 B`, `48 KB`, `1.2 MB`, by thousands."""
    if size is None:
        return NOTHING
    amount, unit = float(size), 0
    while amount >= 999.5 and unit < len(_BYTES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f} {_BYTES[unit]}" if unit and amount < 9.95 else f"{amount:.0f} {_BYTES[unit]}"


def at(moment: datetime) -> str:
    """In UTC, where no script puts it into the viewer's zone."""
    return f"{moment.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"


def clock(moment: datetime) -> str:
    """As `at`, and as short as a script writes it in the viewer's zone; the page says that it is UTC."""
    year = "" if moment.year == datetime.now(UTC).year else f" {moment.year}"
    return f"{moment.astimezone(UTC):%-d %b}{year}, {moment.astimezone(UTC):%H:%M:%S}"


def field_time(moment: datetime) -> str:
    """In UTC, as a field of dates and times has it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def status_word(status: Status | str) -> str:
    return STATUS_WORDS[Status(status)]


def register(routes: APIBlueprint) -> None:
    filters: tuple[Callable[..., str], ...] = (
        in_words,
        since,
        until,
        size_in_words,
        at,
        clock,
        field_time,
        status_word,
    )
    for words in filters:
        routes.add_app_template_filter(words)

"""Days and ranges of days, by name or by their dates, in a time zone."""

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


class DateRange(BaseModel):
    """Two days, both within it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: ClassVar[ZoneInfo] = ZoneInfo("UTC")
    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise PydanticCustomError(
                "reversed_range",
                "The first day, {first}, is after the last day, {last}.",
                {"first": str(self.first), "last": str(self.last)},
            )
        return self

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """When it begins, in its time zone."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def end(self) -> datetime:
        """When it is over, in its time zone: the first moment that is not within it."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)


def _month(day: date, months: int = 0, length: int = 1) -> tuple[date, date]:
    """From the first day of the month that is `months` from that of the day, for `length` months."""
    number = day.year * 12 + day.month - 1 + months
    first, last = (date(one // 12, one % 12 + 1, 1) for one in (number, number + length - 1))
    return first, last.replace(day=monthrange(last.year, last.month)[1])


def _quarter(day: date, quarters: int) -> tuple[date, date]:
    return _month(day, 3 * quarters - (day.month - 1) % 3, 3)


def _week(day: date, weeks: int) -> tuple[date, date]:
    monday = day + timedelta(days=7 * weeks - day.weekday())
    return monday, monday + timedelta(days=6)


def _back(day: date, first: int, last: int) -> tuple[date, date]:
    return day - timedelta(days=first), day - timedelta(days=last)


NAMED_RANGES: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda day: (day, day),
    "yesterday": lambda day: _back(day, 1, 1),
    "this_week": lambda day: _week(day, 0),
    "last_week": lambda day: _week(day, -1),
    "this_month": lambda day: _month(day),
    "last_month": lambda day: _month(day, -1),
    "this_quarter": lambda day: _quarter(day, 0),
    "last_quarter": lambda day: _quarter(day, -1),
    "this_year": lambda day: (date(day.year, 1, 1), date(day.year, 12, 31)),
    "last_year": lambda day: (date(day.year - 1, 1, 1), date(day.year - 1, 12, 31)),
    "last_7_days": lambda day: _back(day, 7, 1),
    "last_30_days": lambda day: _back(day, 30, 1),
}
"""Each as the days that it means on a day. A week begins on Monday; `last_7_days` ends yesterday."""

NAMED_DAYS: Mapping[str, Callable[[date], date]] = {
    "today": lambda day: day,
    "yesterday": lambda day: day - timedelta(days=1),
}

Today = Callable[[ZoneInfo], date]


def today(zone: ZoneInfo) -> date:
    """By this machine's clock."""
    return datetime.now(zone).date()


def resolve_range(value: Any, zone: ZoneInfo, now: Today = today) -> Any:
    """The days of a name, as `{first, last}`; what is no text is left as it is. Raises pydantic's error."""
    if not isinstance(value, str):
        return value
    if value not in NAMED_RANGES:
        raise PydanticCustomError(
            "date_range", "must be {names}, or two days: first and last.", {"names": ", ".join(NAMED_RANGES)}
        )
    first, last = NAMED_RANGES[value](now(zone))
    return {"first": first.isoformat(), "last": last.isoformat()}


def resolve_day(value: Any, zone: ZoneInfo, now: Today = today) -> Any:
    """The date of a name; whatever is no name is left as it is."""
    if isinstance(value, str) and value in NAMED_DAYS:
        return NAMED_DAYS[value](now(zone)).isoformat()
    return value

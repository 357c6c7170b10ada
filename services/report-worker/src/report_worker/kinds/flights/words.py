"""Numbers and days in words, as the page prints them."""

from calendar import monthrange
from datetime import date

from waybill.kinds.flights import Period

MINUS = "\N{MINUS SIGN}"

NOTHING = "\N{EN DASH}"
"""Stands for a number that does not exist, such as the mean delay when every flight was cancelled."""


def number(value: int) -> str:
    """`336,776`"""
    return f"{value:,}"


def flights(count: int) -> str:
    """`1 flight`, `336,776 flights`"""
    return f"{number(count)} {'flight' if count == 1 else 'flights'}"


def percent(share: float) -> str:
    """`75.9%`"""
    return f"{share:.1%}"


def minutes(value: float | None) -> str:
    """`12.6`, with a true minus sign."""
    if value is None:
        return NOTHING
    return f"{round(value, 1) + 0.0:.1f}".replace("-", MINUS)


def delay(value: float | None) -> str:
    """`12.6 min`"""
    return NOTHING if value is None else f"{minutes(value)} min"


def hours(value: int | None) -> str:
    """`21 h 41 min`, from minutes."""
    if value is None:
        return NOTHING
    if value < 60:
        return f"{value} min".replace("-", MINUS)
    return f"{value // 60} h {value % 60:02} min"


def day_in_words(day: date) -> str:
    """`8 February`"""
    return f"{day.day} {day:%B}"


def period_in_words(period: Period) -> str:
    """The shortest that is clear: `2013`, `February 2013`, `1 to 7 July 2013`."""
    first, last = period
    year = first.year
    if period.days == 1:
        return f"{day_in_words(first)} {year}"
    if (first, last) == (date(year, 1, 1), date(year, 12, 31)):
        return str(year)
    if first.month != last.month:
        return f"{day_in_words(first)} to {day_in_words(last)} {year}"
    if period.days == monthrange(year, first.month)[1]:
        return f"{first:%B} {year}"
    return f"{first.day} to {day_in_words(last)} {year}"

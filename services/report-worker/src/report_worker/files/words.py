"""Dates and parameters in words, and text from data without what a page must not contain."""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from report_worker.files.formats import NOTHING, Style, plain, text
from waybill.definitions import Choice, Definition, Format, Parameter
from waybill.errors import PermanentError

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters and what is no character: neither HTML nor a spreadsheet may have them."""

_PROGRAMS = re.compile(r"[a-z0-9_]+")
"""A name for programs."""


def clean(words: str) -> str:
    """With the replacement character in place of what may not be there."""
    return _UNFIT.sub("\ufffd", words)


def day_in_words(day: date) -> str:
    """`8 February 2013`"""
    return f"{day.day} {day:%B} {day.year}"


def period_in_words(first: date, last: date) -> str:
    """The shortest that is clear: `2013`, `February 2013`, `1 to 7 July 2013`."""
    if first == last:
        return day_in_words(first)
    if first.year != last.year:
        return f"{day_in_words(first)} to {day_in_words(last)}"
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        return str(first.year)
    if first.month != last.month:
        return f"{first.day} {first:%B} to {day_in_words(last)}"
    if (first.day, last.day) == (1, monthrange(first.year, first.month)[1]):
        return f"{first:%B} {first.year}"
    return f"{first.day} to {day_in_words(last)}"


def value_in_words(value: Any, parameter: Parameter | None = None) -> str:
    """The value of a parameter, by the label of its choice if it has one."""
    if value is None:
        return NOTHING
    if isinstance(value, Mapping):
        return period_in_words(value["first"], value["last"])
    if isinstance(value, list | tuple):
        return ", ".join(value_in_words(one, parameter) for one in value) or NOTHING
    for choice in (parameter.choices if parameter and isinstance(parameter.choices, list) else None) or ():
        if isinstance(choice, Choice) and choice.value == value:
            return clean(choice.label or str(choice.value))
    if isinstance(value, date):
        return day_in_words(value)
    return clean(text(value, Style(Format.TEXT)))


def parameter_value(values: Mapping[str, Any], name: str) -> Any:
    """What a text names: a parameter, or a day of a date range. Raises `PermanentError`."""
    if name in values:
        return values[name]
    whole, _, part = name.rpartition("_")
    if whole not in values or part not in ("first", "last", "start", "end"):
        raise PermanentError(f"{{{name}}}: the report has no such parameter.")
    period = values[whole]
    if period is None:
        return None
    return {"start": period["first"], "end": period["last"] + timedelta(days=1)}.get(part) or period[part]


def parameters_in_words(definition: Definition, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Title and value of each parameter that has one, in the definition's order."""
    for name, parameter in definition.parameters.items():
        if values.get(name) is not None:
            yield clean(parameter.title or title_of(name)), value_in_words(values[name], parameter)


def as_json(value: Any) -> Any:
    """The value of a parameter as JSON has it: days in ISO 8601."""
    if isinstance(value, Mapping):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def value_in_a_name(value: Any) -> str:
    """The value of a parameter as part of a file's name: `2013-07-01`, `2013-07-01_2013-07-31`, `B6_UA`."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return f"{value['first']}_{value['last']}"
    if isinstance(value, list | tuple):
        return "_".join(value_in_a_name(one) for one in value) or "none"
    return plain(value) if isinstance(value, float) else str(value)


def title_of(name: str) -> str:
    """Of a parameter or a column without one: `carrier_code` is `Carrier code`. A name with other
    letters than small ones is for people already."""
    if not _PROGRAMS.fullmatch(name):
        return name
    words = name_in_words(name)
    return words[:1].upper() + words[1:]


def name_in_words(name: str) -> str:
    """In a sentence: `carrier_code` is `carrier code`."""
    return name.replace("_", " ").strip() or name if _PROGRAMS.fullmatch(name) else name

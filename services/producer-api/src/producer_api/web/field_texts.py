"""The values of parameters as the texts of a form's fields."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

RANGE: Final = {"first", "last"}
"""The members of a value that is two days."""


class Widget(StrEnum):
    """How a field is shown."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes-no"
    RADIO = "radio"
    SELECT = "select"
    CHECKBOXES = "checkboxes"
    LINES = "lines"
    """Several texts, one a line."""
    RANGE = "range"
    """A name of days, or the first and the last."""
    JSON = "json"


CHOICES: Final = (Widget.RADIO, Widget.SELECT, Widget.CHECKBOXES, Widget.RANGE)


class AsTyped(str):
    """What a person has typed where JSON was wanted, and which is not JSON."""

    __slots__ = ()


def fits(value: Any, widget: Widget) -> bool:
    """Whether a field of this sort gives the value back as it is; only JSON can have any."""
    if isinstance(value, AsTyped):
        return widget is Widget.JSON
    if value is None or widget is Widget.JSON:
        return True
    if widget is Widget.RANGE:
        return isinstance(value, str) or (isinstance(value, Mapping) and set(value) <= RANGE)
    if widget is Widget.LINES:
        return all(_is_line(text(one)) for one in _listed(value))
    if widget is Widget.CHECKBOXES:
        return not any(isinstance(one, list | Mapping) for one in _listed(value))
    if widget is Widget.TEXT and isinstance(value, str):
        return not value.isspace() and not any(letter in value for letter in "\r\n")
    return not isinstance(value, list | Mapping)


def texts(value: Any, widget: Widget) -> list[str]:
    """What is filled in; of a range, its name or its two days."""
    if value is None:
        return []
    if widget is Widget.RANGE:
        if isinstance(value, Mapping):
            return [str(value.get(part) or "") for part in ("first", "last")]
        return [str(value)]
    if widget in (Widget.LINES, Widget.CHECKBOXES):
        return [text(one) for one in _listed(value)]
    if widget is Widget.JSON:
        is_typed = isinstance(value, AsTyped)
        return [value if is_typed else json.dumps(value, ensure_ascii=False, indent=2, default=str)]
    return [text(value)]


def text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _is_line(one: str) -> bool:
    return bool(one) and one.strip() == one and one.splitlines() == [one]

"""Parameters whose choices are the rows of a query."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from waybill.definitions import ChoiceQuery, Definition
from waybill.errors import PermanentError

MAX_CHOICES = 10_000
_SHOWN = 10

Rows = Callable[[ChoiceQuery], Sequence[tuple[Any, ...]]]


def choice_queries(definition: Definition) -> dict[str, ChoiceQuery]:
    """By the parameters' names."""
    return {
        name: one.choices
        for name, one in definition.parameters.items()
        if isinstance(one.choices, ChoiceQuery)
    }


def check_choices(definition: Definition, values: Mapping[str, Any], rows: Rows) -> None:
    """Raises `PermanentError` for a value that is none of the first column's."""
    for name, query in choice_queries(definition).items():
        value = values[name]
        given = value if isinstance(value, list) else [value]
        if wanted := [one for one in given if one is not None]:
            allowed = dict.fromkeys(str(row[0]) for row in rows(query) if row and row[0] is not None)
            for one in wanted:
                if str(one) not in allowed:
                    raise PermanentError(f"{name}: {one!r} is none of the values. {_some(list(allowed))}")


def _some(allowed: list[str]) -> str:
    if not allowed:
        return "There are none now."
    more = len(allowed) - _SHOWN
    return f"They are: {', '.join(allowed[:_SHOWN])}{f', and {more:,} more' if more > 0 else ''}."

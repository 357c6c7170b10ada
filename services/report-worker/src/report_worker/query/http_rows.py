"""The objects of a JSON answer as a table."""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import pyarrow as pa
from jsonpath import JSONPathEnvironment
from jsonpath.exceptions import JSONPathError

from report_worker.query.templates import as_json_text
from waybill.errors import PermanentError

_EXACT = 2**53
"""Beyond it a double does not have every integer."""
_INTEGERS = range(-(2**63), 2**63)
_environment = JSONPathEnvironment(strict=True)


def rows_of(answer: bytes, path: str) -> list[dict[str, Any]]:
    """What the JSONPath finds. Raises `PermanentError` where the answer is no JSON, or that is no objects."""
    try:
        found: list[Any] = _environment.findall(path, _document(answer))
    except JSONPathError as error:
        reason = str(error).partition("\n")[0]
        raise PermanentError(f"rows: {path!r} cannot be used on the answer: {reason}.") from None
    except (ValueError, RecursionError) as error:
        raise PermanentError(f"The answer is no JSON that has rows: {error}.") from None
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict):
            raise PermanentError(
                f"rows: {path!r} finds {_sort(one)} in place {number}, and must find objects, one for a row."
            )
    return found


def _document(answer: bytes) -> list[Any] | dict[str, Any]:
    found = json.loads(answer, parse_constant=_refuse)
    if isinstance(found, list | dict):
        return found
    raise ValueError(f"it is {_sort(found)}")  # which the path would be looked up in as JSON once more


def table_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """With a column for each name that an object has, in the order in which they come. Objects and lists in
    them are JSON text, and so is a column with values of several sorts."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array:
    sorts = {_sort(value) for value in values if value is not None}
    if sorts == {"a boolean"}:
        return pa.array(values, pa.bool_())
    if sorts and sorts <= {"an integer", "a number"} and (found := _numbers(values, sorts)) is not None:
        return found
    return pa.array([None if one is None else _as_text(one) for one in values], pa.string())


def _numbers(values: list[Any], sorts: set[str]) -> pa.Array | None:
    """None where some integer is too large for the others' type."""
    integers = [value for value in values if isinstance(value, int)]
    if sorts == {"an integer"}:
        return pa.array(values, pa.int64()) if all(one in _INTEGERS for one in integers) else None
    if any(abs(one) > _EXACT for one in integers):
        return None
    return pa.array([None if one is None else float(one) for one in values], pa.float64())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else as_json_text(value)


def _sort(value: Any) -> str:
    """With an article."""
    match value:
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "null"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")

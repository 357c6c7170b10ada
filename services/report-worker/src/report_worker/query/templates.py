"""A call's path, query, headers and body, with the values of parameters in place of braces."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, unquote

from waybill.definitions import braces
from waybill.errors import PermanentError

_LITERAL = "/-._~!$&'()*+,;=:@%"
"""What a path may have besides letters and digits (RFC 3986)."""
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def text_of(value: Any) -> str:
    """As it is written into texts: true and false as JSON has them, dates and times as ISO 8601, lists with
    commas, and nothing for a value that was left out."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return str(value)


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Raises `PermanentError` for a name that is no parameter's."""
    return braces.fill(text, lambda one: text_of(_value(one, values)))


def filled_path(template: str, values: Mapping[str, Any]) -> str:
    """Percent-encoded. Each value stays within its segment, and makes none that means another one: raises
    `PermanentError` where it would be empty, `.` or `..`."""
    if re.search(r"[?#\\]", template) or _BAD_ESCAPE.search(template):
        raise PermanentError(f"The path {template!r} must have no ?, # or \\: give a query as query.")
    path = braces.fill(
        template,
        lambda one: quote(text_of(_value(one, values)), safe=""),
        lambda plain: quote(plain, _LITERAL),
    )
    for number, segment in enumerate(path.split("/")[1:], 1):
        if unquote(segment) in (".", "..") or (not segment and template.split("/")[number]):
            raise PermanentError(
                f"Of the path {template!r}, a part would be {unquote(segment)!r}: it needs a value that is"
                " neither empty, nor '.' or '..'."
            )
    return path


def filled_json(body: Any, values: Mapping[str, Any]) -> Any:
    """JSON. A text that is one value in braces becomes that value, of its type."""
    if isinstance(body, dict):
        return {name: filled_json(value, values) for name, value in body.items()}
    if isinstance(body, list):
        return [filled_json(value, values) for value in body]
    if not isinstance(body, str):
        return body
    match list(braces.parts(body)):
        case [braces.Reference() as only]:
            return _as_json(_value(only, values))
        case _:
            return filled(body, values)


def filled_query(query: Mapping[str, Any], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values. A list of values is the name as often; what was left out is not there."""
    found = []
    for name, text in query.items():
        value = filled_json(text, values)
        several = value if isinstance(value, list) else [value]
        found += [(name, text_of(one)) for one in several if one is not None]
    return found


def as_json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _as_json(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_as_json, value))
    return value.isoformat() if isinstance(value, date | datetime) else value


def _value(one: braces.Reference, values: Mapping[str, Any]) -> Any:
    if one.column is not None or one.format is not None or one.name not in values:
        raise PermanentError(f"{{{one.name}}} is no parameter that a call can have.")
    return values[one.name]

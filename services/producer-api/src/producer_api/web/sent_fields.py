"""What was sent of a form that `fields` made: as JSON, as it was typed, and what is wrong with it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from producer_api.problems import FieldError
from producer_api.web.fields import PREFIX, FormField, Widget

_MESSAGES: Final = {"Field required": "Fill this in."}
"""What a schema's words are for people."""


def sent_parameters(
    fields: Sequence[FormField], sent: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], list[FieldError]]:
    """The parameters as JSON has them, and what cannot be JSON. What is not as the schema wants it stays as
    it was typed, so that the API says what is wrong. An empty field is left out, or null if it may be."""
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for one in fields:
        try:
            value = _value(one, sent)
        except ValueError as error:
            errors.append(FieldError(field=f"parameters.{one.name}", message=f"must be JSON: {error}"))
            continue
        if value is not None:
            found[one.name] = value
        elif one.nullable:
            found[one.name] = None
    return found, errors


def typed(fields: Sequence[FormField], sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """For a form that is shown again: what was typed, right or wrong."""
    return {one.name: _as_typed(one, sent) for one in fields}


def _as_typed(one: FormField, sent: Mapping[str, Sequence[str]]) -> Any:
    try:
        return _value(one, sent)
    except ValueError:
        return "".join(sent.get(one.key, ()))


def _value(one: FormField, sent: Mapping[str, Sequence[str]]) -> Any:
    given = [text for text in sent.get(one.key, ()) if text.strip()]
    match one.widget:
        case Widget.RANGE:
            return _range(one, sent)
        case Widget.LINES:
            lines = [line.strip() for text in given for line in text.splitlines() if line.strip()]
            return [_typed(line, one.schema.get("items", {})) for line in lines] or None
        case Widget.CHECKBOXES:
            return [_typed(text, one.schema.get("items", {})) for text in given] or None
    if not given:
        return None
    return json.loads(given[0]) if one.widget is Widget.JSON else _typed(given[0], one.schema)


def _range(one: FormField, sent: Mapping[str, Sequence[str]]) -> Any:
    first, last, named = (
        next((text.strip() for text in sent.get(f"{one.key}{part}", ()) if text.strip()), "")
        for part in (".first", ".last", "")
    )
    if first or last:
        return {name: text for name, text in (("first", first), ("last", last)) if text}
    return named or None


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in ("integer", "number"):
        try:
            return int(text) if kind == "integer" or text.strip().lstrip("+-").isdigit() else float(text)
        except ValueError:
            return text
    return text


def errors_by_field(errors: Sequence[FieldError]) -> dict[str, list[str]]:
    """By the first part of the path within the parameters, `p.month`; of others by their own, `tags`."""
    found: dict[str, list[str]] = {}
    for one in errors:
        parts = one.field.split(".")
        key = f"{PREFIX}{parts[1]}" if parts[0] == "parameters" and len(parts) > 1 else parts[0]
        message = _MESSAGES.get(one.message, one.message)
        within = ".".join(parts[2:] if key.startswith(PREFIX) else parts[1:])
        found.setdefault(key, []).append(f"{within}: {message}" if within else message)
    return found

"""What was sent of a form that `fields` made: as JSON, and as it was typed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from producer_api.problems import FieldError, Problem
from producer_api.storable import refuse_unstorable
from producer_api.web.field_texts import AsTyped, Widget
from producer_api.web.fields import RAW, FormField


def sent_parameters(
    fields: Sequence[FormField], sent: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], list[FieldError]]:
    """The parameters as JSON has them, and what cannot be JSON. What is not as the schema wants it stays as
    it was typed, so that the API says what is wrong. An empty field is left out, or null if it may be; one of
    several values that has a default is an empty list then: nothing of the default is meant."""
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for one in fields:
        try:
            value = _value(one, sent)
        except ValueError as error:
            errors.append(FieldError(field=f"parameters.{one.name}", message=str(error)))
            continue
        if value is not None:
            found[one.name] = value
        elif one.nullable:
            found[one.name] = None
        elif one.takes_several and one.default:
            found[one.name] = []
    return found, errors


def typed(fields: Sequence[FormField], sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """For a form that is shown again: what was typed, right or wrong."""
    return {one.name: _as_typed(one, sent) for one in fields}


def _as_typed(one: FormField, sent: Mapping[str, Sequence[str]]) -> Any:
    try:
        return _value(one, sent)
    except ValueError:
        return AsTyped("".join(sent.get(f"{one.key}{RAW}", sent.get(one.key, ()))))


def _value(one: FormField, sent: Mapping[str, Sequence[str]]) -> Any:
    if raw := [text for text in sent.get(f"{one.key}{RAW}", ()) if text.strip()]:
        return _parsed(raw[0])
    given = [text for text in sent.get(one.key, ()) if text.strip()]
    match one.own:
        case Widget.RANGE:
            return _range(one, sent)
        case Widget.LINES:
            lines = [line.strip() for text in given for line in text.splitlines() if line.strip()]
            return [_typed(line, one.schema.get("items", {})) for line in lines] or None
        case Widget.CHECKBOXES:
            return [_typed(text, one.schema.get("items", {})) for text in given] or None
    if not given:
        return None
    return _parsed(given[0]) if one.own is Widget.JSON else _typed(given[0], one.schema)


def _parsed(text: str) -> Any:
    """Raises `ValueError` with what is wrong; it is shown again as it was typed."""
    try:
        value = json.loads(text)
        refuse_unstorable(value, "")
    except Problem as problem:
        raise ValueError("; ".join(one.message for one in problem.errors or ())) from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"must be JSON: {error}") from None
    return value


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

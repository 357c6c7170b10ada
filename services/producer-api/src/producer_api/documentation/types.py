"""Types of JSON Schema in words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_MOST_NAMED: Final = 12
_FORMATS: Final = {
    "date-time": "time with an offset, as 2026-11-01T00:00:00Z",
    "date": "date, as 2026-11-01",
    "uuid": "UUID",
    "uri": "URL",
    "binary": "bytes",
}
_PLAIN: Final = {"boolean": "true or false", "null": "null", "object": "object", "string": "text"}
_NUMBERS: Final = {"integer": "whole number", "number": "number"}


def short_name(reference: str) -> str:
    """Of `#/components/schemas/ReportPage.Status`, `Status`."""
    return reference.rpartition("/")[2].rpartition(".")[2]


def named(reference: str, schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference leads to."""
    found: Mapping[str, Any] = schemas[reference.rpartition("/")[2]]
    return found


def in_words(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """As `text, 1 to 50 characters`, `list of UUID, or null`, or `Report` for another object. `schemas`: of
    the description's components, by name."""
    parts = list(dict.fromkeys(_parts(schema, schemas)))
    return ", or ".join(sorted(parts, key=lambda part: part == "null"))


def object_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str | None:
    """The short name of the object that it is, or a list of, if that has fields."""
    for one in _alternatives(schema):
        if "$ref" in one:
            return short_name(one["$ref"]) if "properties" in named(one["$ref"], schemas) else None
        if "items" in one:
            return object_of(one["items"], schemas)
    return None


def _parts(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    for one in _alternatives(schema):
        if "$ref" not in one:
            yield _word(one, schemas)
            continue
        found = named(one["$ref"], schemas)
        yield short_name(one["$ref"]) if "properties" in found else _word(found, schemas)


def _alternatives(schema: Mapping[str, Any]) -> list[Any]:
    return schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or [schema]


def _word(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if "const" in schema:
        return _quoted(schema["const"])
    if "enum" in schema:
        return _choices(schema["enum"])
    kind: Any = schema.get("type", "any value")
    if isinstance(kind, list):
        return ", or ".join(_PLAIN.get(one, str(one)) for one in kind)
    if kind == "array":
        items = schema.get("items") or {}
        return f"list of {in_words(items, schemas)}{_between(schema, 'minItems', 'maxItems', ' items')}"
    if kind in _NUMBERS:
        return f"{_NUMBERS[kind]}{_between(schema, 'minimum', 'maximum', '')}"
    if kind == "string" and "format" in schema:
        return _FORMATS.get(schema["format"], str(schema["format"]))
    return f"{_PLAIN.get(kind, kind)}{_between(schema, 'minLength', 'maxLength', ' characters')}"


def _choices(values: list[Any]) -> str:
    named = ", ".join(_quoted(one) for one in values[:_MOST_NAMED])
    more = len(values) - _MOST_NAMED
    return f"one of {named}" + (f" and {more} more" if more > 0 else "")


def _quoted(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _between(schema: Mapping[str, Any], least: str, most: str, unit: str) -> str:
    """As `, 1 to 50 characters`."""
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if high is None:
        return f", at least {low:,}{unit}"
    return f", at most {high:,}{unit}" if low is None else f", {low:,} to {high:,}{unit}"

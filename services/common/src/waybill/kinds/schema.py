"""The JSON Schema of a kind's parameters as clients see it: every value has a bound.

What a model leaves open gets a bound that no request needs to exceed, so that a huge number, name or list is
refused before a job meets it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DecimalSchema, JsonOrPythonSchema

MAX_INTEGER = 2**63 - 1
_MAX_NUMBER = 1.7976931348623157e308
_MAX_CHARACTERS = 10_000
_MAX_ITEMS = 10_000
_MAX_PROPERTIES = 1000
_MAX_NAME_CHARACTERS = 200

_ANY = "any-value"
"""The definition of a value without a type; no model has a name with a hyphen."""
_DEFINITIONS = "#/$defs/"
_ANY_REF: Mapping[str, Any] = {"$ref": f"{_DEFINITIONS}{_ANY}"}
_NAMES: Mapping[str, Any] = {"maxLength": _MAX_NAME_CHARACTERS}

_BOUNDS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"minimum": -MAX_INTEGER - 1, "maximum": MAX_INTEGER},
    "number": {"minimum": -_MAX_NUMBER, "maximum": _MAX_NUMBER},
    "string": {"maxLength": _MAX_CHARACTERS},
    "array": {"maxItems": _MAX_ITEMS, "items": _ANY_REF},
    "object": {
        "maxProperties": _MAX_PROPERTIES,
        "propertyNames": _NAMES,
        "additionalProperties": _ANY_REF,
    },
}
_ANY_VALUE: Mapping[str, Any] = {
    "description": "Any JSON value; a whole number has 64 bits at most.",
    **{
        name: bound
        for type_ in ("number", "string", "array", "object")
        for name, bound in _BOUNDS[type_].items()
    },
    "if": {"type": "integer"},
    "then": _BOUNDS["integer"],
}
"""Each bound is one for values of its type alone."""
_SAME = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum", "items": "prefixItems"}
_TYPED_ELSEWHERE = frozenset({"$ref", "anyOf", "oneOf", "allOf"})
_OF_SCHEMAS = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


_DECIMAL = {"pattern": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$", "maxLength": 100}


class _Generator(GenerateJsonSchema):
    """A decimal that is sent as a text has digits in it, and no exponent of thousands of digits. Every secret
    is marked as one, a `Secret[date]` too."""

    def json_or_python_schema(self, schema: JsonOrPythonSchema) -> JsonSchemaValue:
        generated = super().json_or_python_schema(schema)
        serialization: Any = schema.get("serialization", {})
        if getattr(serialization.get("function"), "__name__", "").startswith(
            "_serialize_secret"
        ):  # pydantic's
            generated["writeOnly"] = True
        return generated

    def decimal_schema(self, schema: DecimalSchema) -> JsonSchemaValue:
        generated = super().decimal_schema(schema)
        for option in generated.get("anyOf", ()):
            if option.get("type") == "string":
                option.update(_DECIMAL)
        return generated


def published(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a kind's parameters. Raises pydantic's `PydanticInvalidForJsonSchema`."""
    return bounded(model.model_json_schema(schema_generator=_Generator))


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with a bound for every value that has none."""
    result = _bounded(schema)
    if _ANY_REF["$ref"] in json.dumps(result):
        result["$defs"] = {**result.get("$defs", {}), _ANY: dict(_ANY_VALUE)}
    return result


def _bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(schema)
    for name in _OF_SCHEMAS:
        if name in result:
            result[name] = {key: _bounded(value) for key, value in result[name].items()}
    for name in _LISTS:
        if name in result:
            result[name] = [_bounded(value) for value in result[name]]
    for name in _SINGLE:
        if result.get(name) is True:
            result[name] = _ANY_REF
        elif isinstance(result.get(name), Mapping):
            result[name] = _bounded(result[name])
    if isinstance(result.get("propertyNames"), Mapping):
        result["propertyNames"] = _NAMES | result["propertyNames"]
    if "enum" in result or "const" in result:
        return result
    return result | _missing_bounds(result)


def schemas_within(
    schema: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """`schema` and those of all values within its values, each definition once."""
    left, waiting = dict(definitions), [schema]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [inner for name in _OF_SCHEMAS for inner in one.get(name, {}).values()]
        waiting += [inner for name in _LISTS for inner in one.get(name, ())]
        waiting += [one[name] for name in (*_SINGLE, "propertyNames") if isinstance(one.get(name), Mapping)]
        if defined := left.pop(str(one.get("$ref")).removeprefix(_DEFINITIONS), None):
            waiting.append(defined)


def _missing_bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object whose properties are all named needs none."""
    if "type" not in schema:
        return {} if _TYPED_ELSEWHERE & schema.keys() else dict(_ANY_REF)
    type_ = str(schema["type"])
    if type_ not in _BOUNDS or (type_ == "object" and schema.get("additionalProperties") is False):
        return {}
    return {
        name: value
        for name, value in _BOUNDS[type_].items()
        if name not in schema and _SAME.get(name) not in schema
    }

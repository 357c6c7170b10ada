"""The JSON Schema of a kind's parameters as clients see it: every value has a bound.

What a model leaves open gets a bound that no request needs to exceed, so that a huge number, name or list is
refused before a job meets it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DecimalSchema

MAX_INTEGER = 2**63 - 1
_MAX_NUMBER = 1.7976931348623157e308
_MAX_CHARACTERS = 10_000
_MAX_ITEMS = 10_000
_MAX_PROPERTIES = 1000
_MAX_NAME_CHARACTERS = 200

_BOUNDS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"minimum": -MAX_INTEGER - 1, "maximum": MAX_INTEGER},
    "number": {"minimum": -_MAX_NUMBER, "maximum": _MAX_NUMBER},
    "string": {"maxLength": _MAX_CHARACTERS},
    "array": {"maxItems": _MAX_ITEMS},
    "object": {"maxProperties": _MAX_PROPERTIES, "propertyNames": {"maxLength": _MAX_NAME_CHARACTERS}},
}
_SAME = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
_OF_SCHEMAS = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "contains", "if", "then", "else", "propertyNames")


_DECIMAL = {"pattern": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$", "maxLength": 100}


class _Generator(GenerateJsonSchema):
    """A decimal that is sent as a text has digits in it, and no exponent of thousands of digits."""

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
    result = dict(schema)
    for name in _OF_SCHEMAS:
        if name in result:
            result[name] = {key: bounded(value) for key, value in result[name].items()}
    for name in _LISTS:
        if name in result:
            result[name] = [bounded(value) for value in result[name]]
    for name in _SINGLE:
        if isinstance(result.get(name), Mapping):
            result[name] = bounded(result[name])
    if "enum" in result or "const" in result:
        return result
    return result | _missing_bounds(result)


def _missing_bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object whose properties are all named needs none."""
    type_ = str(schema.get("type"))
    if type_ not in _BOUNDS or (type_ == "object" and schema.get("additionalProperties") is False):
        return {}
    return {
        name: value
        for name, value in _BOUNDS[type_].items()
        if name not in schema and _SAME.get(name) not in schema
    }

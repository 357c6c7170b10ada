"""A report's parameters: as they are given on the command line, and as a kind describes them."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import typer


def parse_parameters(pairs: Sequence[str], text: str | None) -> dict[str, Any]:
    """The JSON object in `text`, then each `name=value`; a value that is not JSON is text."""
    parameters = _object(text) if text else {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{pair!r} is not name=value.", param_hint="-p")
        parameters[name] = _value(value)
    return parameters


def write_pair(name: str, value: Any) -> str:
    """A `name=value` that is read as `value`."""
    plain = isinstance(value, str) and _value(value) == value
    return f"{name}={value if plain else json.dumps(value)}"


def _object(text: str) -> dict[str, Any]:
    try:
        value = _json(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}.", param_hint="--parameters") from error
    if not isinstance(value, dict):
        raise typer.BadParameter(
            "a JSON object is needed, as in '{\"month\": 2}'.", param_hint="--parameters"
        )
    return value


def _value(text: str) -> Any:
    try:
        return _json(text)
    except ValueError:
        return text


def _json(text: str) -> Any:
    """Raises `ValueError` also for the numbers that only Python's JSON has."""
    return json.loads(text, parse_float=_finite, parse_constant=_refuse)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"{number} is no number of JSON")


def describe_type(schema: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words: `integer, 1 to 12`, `"EWR", "JFK" or none`."""
    if "anyOf" in schema:
        return " or ".join(describe_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "null":
        return "null"
    if schema.get("type") == "array":
        return f"list of {describe_type(schema.get('items', {}))}"
    name = schema.get("format") or schema.get("type")
    return ", ".join([str(name), *_bounds(schema)]) if name else "any"


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    bounds = []
    if least is not None and most is not None:
        bounds.append(f"{least} to {most}")
    elif least is not None:
        bounds.append(f"at least {least}")
    elif most is not None:
        bounds.append(f"at most {most}")
    if pattern := schema.get("pattern"):
        bounds.append(f"like {pattern}")
    return bounds

"""A report's parameters: as they are given on the command line, and as a kind describes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

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


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}.", param_hint="--parameters") from error
    if not isinstance(value, dict):
        raise typer.BadParameter(
            "a JSON object is needed, as in '{\"month\": 2}'.", param_hint="--parameters"
        )
    return value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


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
    name = schema.get("format") or schema.get("type") or "any"
    return ", ".join([str(name), *_bounds(schema)])


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

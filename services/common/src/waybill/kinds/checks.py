"""Whether what a package offers is a kind that both services can work with."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from waybill.kinds.artefact import MAX_OUTPUTS, is_output_name
from waybill.kinds.definition import Kind, Parameters, ParametersNotKept
from waybill.kinds.schema import published, schemas_within

_NAME_CHARACTERS = 100
_IMPLEMENTATION = re.compile(r"[\w.]+:\w+")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= _NAME_CHARACTERS


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_outputs(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) <= MAX_OUTPUTS
        and all(map(is_output_name, value))
        and len(set(value)) == len(value)
    )


_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("name", _is_name, f"a printable text of 1 to {_NAME_CHARACTERS} characters"),
    ("title", _is_text, "a text"),
    ("description", _is_text, "a text"),
    (
        "parameters",
        lambda value: isinstance(value, type) and issubclass(value, Parameters),
        "a subclass of waybill.kinds.Parameters",
    ),
    ("steps", callable, "a function of the parameters"),
    (
        "implementation",
        lambda value: _is_text(value) and _IMPLEMENTATION.fullmatch(value) is not None,
        "like package.module:function",
    ),
    (
        "timeout",
        lambda value: isinstance(value, timedelta) and value > timedelta(0),
        "a timedelta above 0",
    ),
    ("max_attempts", lambda value: type(value) is int and value >= 1, "a whole number from 1"),
    ("fresh_process", lambda value: isinstance(value, bool), "True or False"),
    ("outputs", _are_outputs, f"a tuple of at most {MAX_OUTPUTS} different names like html or by-month"),
)
"""What each field of a `Kind` must be."""


def fault_of(offered: object) -> str | None:
    """What is wrong with it, in a few words; None for a kind that is right."""
    if not isinstance(offered, Kind):
        return f"its entry point names {type(offered).__name__}, not a Kind"
    try:
        return next(_faults(offered), None)
    except Exception as error:
        return f"its definition cannot be used: {type(error).__qualname__}: {error}".partition("\n")[0]


def _faults(kind: Kind) -> Iterator[str]:
    for field, holds, rule in _RULES:
        value = getattr(kind, field)
        if not holds(value):
            yield f"its {field} must be {rule}, not {value!r:.100}"
    yield from _parameter_faults(kind)


def _parameter_faults(kind: Kind) -> Iterator[str]:
    try:
        schema = published(kind.parameters)
    except PydanticInvalidForJsonSchema as error:
        yield f"its parameters have no JSON Schema: {error.message}"
        return
    definitions = schema.get("$defs", {})
    own = definitions.get(str(schema.get("$ref")).removeprefix("#/$defs/"), schema)  # if it refers to itself
    for name, field in own.get("properties", {}).items():
        if any(one.get("writeOnly") for one in schemas_within(field, definitions)):
            yield f"its parameter {name} is a secret, but parameters are stored and shown: use a setting"
    for sample in ({}, *schema.get("examples", ())):
        try:
            model = kind.read_parameters(kind.stored_parameters(sample))
        except ValidationError:  # something is required, or the example is wrong
            continue
        except ParametersNotKept as error:
            yield str(error)
            return
        steps = kind.steps(model)
        if isinstance(steps, str) or not all(isinstance(step, str) for step in steps):
            yield "its steps must be a list of the steps' names"

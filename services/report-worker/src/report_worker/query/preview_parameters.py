"""Parameters as the one who writes a definition gives them to `waybill preview`."""

import json
import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from waybill.definitions import Choice, DefinedKind, Parameter, ParameterType

_SHOWN = 10
_PYDANTICS = re.compile(r"(Input|Field|String|List|Value) ")
"""How messages begin that are not of a parameter's own rules."""
_SORTS = {
    ParameterType.TEXT: "a text",
    ParameterType.INTEGER: "a whole number",
    ParameterType.NUMBER: "a number",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.DATE: "a day, such as 2026-01-31",
    ParameterType.DATE_RANGE: 'a period: last_month, or {"first": "2026-01-01", "last": "2026-01-31"}',
}
_SAMPLES = {ParameterType.DATE: '["2026-01-30", "2026-01-31"]', ParameterType.BOOLEAN: "[true, false]"}


def given_parameters(kind: DefinedKind, pairs: Sequence[str]) -> Any:
    """Of each `name=value`. Raises `ValueError` with the parameter, and what it may be."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"{pair!r} is not name=value.")
        given[name] = _value(value, kind.definition.parameters.get(name))
    if unknown := [name for name in given if name not in kind.definition.parameters]:
        raise ValueError(_no_such(unknown[0], list(kind.definition.parameters)))
    try:
        return kind.read_parameters(given)
    except ValidationError as error:
        raise ValueError(_refusal(kind, error.errors(include_url=False)[0])) from None


def _refusal(kind: DefinedKind, error: ErrorDetails) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    parameter = kind.definition.parameters.get(name)
    if parameter is None or not _PYDANTICS.match(error["msg"]):
        return f"{name}: {error['msg']}"
    allowed = _allowed(name, parameter)
    if error["type"] == "missing" and len(error["loc"]) == 1:
        return f"{name} is missing: give -p {name}=…, {allowed}."
    return f"{name}: {json.dumps(error['input'], default=str, ensure_ascii=False)} is not {allowed}."


def _allowed(name: str, parameter: Parameter) -> str:
    one = _SORTS[parameter.type] + _limits(parameter)
    if isinstance(parameter.choices, list):
        values = [str(one.value if isinstance(one, Choice) else one) for one in parameter.choices]
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        one = f"one of {', '.join(values[:_SHOWN])}{more}"
    if not parameter.multiple:
        return one
    sample = '["A", "B"]' if parameter.type is ParameterType.TEXT else _SAMPLES.get(parameter.type, "[1, 2]")
    return f"{one}, of which a list is written as -p '{name}={sample}'"


def _limits(parameter: Parameter) -> str:
    limits = [
        f"at least {parameter.minimum}" if parameter.minimum is not None else "",
        f"at most {parameter.maximum}" if parameter.maximum is not None else "",
        f"of at most {parameter.max_length} characters" if parameter.max_length is not None else "",
        f"that matches {parameter.pattern}" if parameter.pattern is not None else "",
    ]
    return "".join(f", {one}" for one in limits if one)


def _no_such(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}."
    return f"There is no parameter {name!r}; {meant}"


def _value(text: str, parameter: Parameter | None) -> Any:
    """JSON, or else the text itself; a text as it is typed, also where it looks like a number. One value of a
    list is a list."""
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_refuse)
    except ValueError:
        value = text
    if parameter is None or (value is None and parameter.optional):
        return value
    if parameter.multiple and isinstance(value, list):
        return value
    if parameter.type is ParameterType.TEXT and not isinstance(value, str):
        value = text
    return [value] if parameter.multiple else value


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"{number} is no number of JSON")

"""What is wrong with a value, in plain words: of an error of pydantic, or of one of a JSON Schema.

Each message goes on after the field's name, as "must be at most 12".
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from jsonschema_rs import ValidationError as SchemaError
from pydantic import ValidationError
from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]

_AS_JSON: Final = {"True": "true", "False": "false", "None": "null"}
_LONGEST_CHOICES: Final = 100
_LONGEST_PATTERN: Final = 200
_LONGEST: Final = 160

MISSING: Final = "must be given"
_EXTRA: Final = "must be left out: there is no such field"
_WHOLE: Final = "must be a whole number"
_NUMBER: Final = "must be a number"
_TEXT: Final = "must be text"
_LIST: Final = "must be a list"
_OBJECT: Final = "must be a JSON object"
_YES_NO: Final = "must be true or false"
_NOTHING: Final = "must be null"
_DATE: Final = "must be a date, as 2026-11-23"
_DATE_TIME: Final = "must be a date and time, as 2026-11-23T12:00:00Z"
_TIME: Final = "must be a time of day, as 12:30:00"
_DURATION: Final = "must be a duration, as PT30M"
_UUID: Final = "must be a UUID"
_URL: Final = "must be a URL, as https://example.com/"
_DIFFERENT: Final = "must have no value twice"

_BY_TYPE: Final[Mapping[str, str]] = {
    "missing": MISSING,
    "extra_forbidden": _EXTRA,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "none_required": _NOTHING,
    "string_type": _TEXT,
    "string_unicode": "must be text in UTF-8",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "date_past": "must be a date in the past",
    "date_future": "must be a date in the future",
    "datetime_past": "must be in the past",
    "datetime_future": "must be in the future",
    "timezone_aware": "must have a time zone, as 2026-11-23T12:00:00Z",
    "timezone_naive": "must have no time zone, as 2026-11-23T12:00:00",
    "json_invalid": "must be JSON",
}
_BY_START: Final[Mapping[str, str]] = {
    "date_": _DATE,
    "datetime_": _DATE_TIME,
    "time_delta_": _DURATION,
    "time_": _TIME,
    "uuid_": _UUID,
    "url_": _URL,
}
_BY_CONTEXT: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "greater_than_equal": lambda context: _bound("at least", context["ge"]),
    "greater_than": lambda context: _bound("more than", context["gt"]),
    "less_than_equal": lambda context: _bound("at most", context["le"]),
    "less_than": lambda context: _bound("less than", context["lt"]),
    "multiple_of": lambda context: _bound("a multiple of", context["multiple_of"]),
    "string_too_short": lambda context: _at_least(context["min_length"], "character"),
    "string_too_long": lambda context: _at_most(context["max_length"], "character"),
    "too_short": lambda context: _at_least(context["min_length"], "value"),
    "too_long": lambda context: _at_most(context["max_length"], "value"),
    "string_pattern_mismatch": lambda context: _like(context["pattern"]),
    "literal_error": lambda context: _choice(_expected(context["expected"])),
    "enum": lambda context: _choice(_expected(context["expected"])),
    "decimal_max_digits": lambda context: _at_most(context["max_digits"], "digit"),
    "decimal_max_places": lambda context: (
        f"{_at_most(context['decimal_places'], 'digit')} after the decimal point"
    ),
    "decimal_whole_digits": lambda context: (
        f"{_at_most(context['whole_digits'], 'digit')} before the decimal point"
    ),
}
_TYPES: Final[Mapping[str, str]] = {
    "integer": _WHOLE,
    "number": _NUMBER,
    "string": _TEXT,
    "boolean": _YES_NO,
    "array": _LIST,
    "object": _OBJECT,
    "null": _NOTHING,
}
_FORMATS: Final[Mapping[str, str]] = {
    "date": _DATE,
    "date-time": _DATE_TIME,
    "time": _TIME,
    "duration": _DURATION,
    "uuid": _UUID,
    "uri": _URL,
}
_BY_KEYWORD: Final[Mapping[str, Callable[[Any], str]]] = {
    "Type": lambda kind: alternatives(_TYPES.get(one, f"must be {one}") for one in kind.types),
    "Format": lambda kind: _FORMATS.get(kind.format, f"must be a {kind.format}"),
    "Enum": lambda kind: _choice([_shown(one) for one in kind.options]),
    "Constant": lambda kind: f"must be {_shown(kind.expected_value)}",
    "Minimum": lambda kind: _bound("at least", kind.limit),
    "ExclusiveMinimum": lambda kind: _bound("more than", kind.limit),
    "Maximum": lambda kind: _bound("at most", kind.limit),
    "ExclusiveMaximum": lambda kind: _bound("less than", kind.limit),
    "MultipleOf": lambda kind: _bound("a multiple of", kind.multiple_of),
    "MinLength": lambda kind: _at_least(kind.limit, "character"),
    "MaxLength": lambda kind: _at_most(kind.limit, "character"),
    "MinItems": lambda kind: _at_least(kind.limit, "value"),
    "MaxItems": lambda kind: _at_most(kind.limit, "value"),
    "MinProperties": lambda kind: _at_least(kind.limit, "value"),
    "MaxProperties": lambda kind: _at_most(kind.limit, "value"),
    "UniqueItems": lambda _: _DIFFERENT,
    "Pattern": lambda kind: _like(kind.pattern),
}


def pydantic_message(error: ErrorDetails) -> str:
    """`error`: with its context. A validator's own sentence stays as it is."""
    kind = error["type"]
    if said := _BY_CONTEXT.get(kind):
        return said(error.get("ctx", {}))
    starts = (words for start, words in _BY_START.items() if kind.startswith(start))
    own = re.sub(r"^(Value error|Assertion failed), ", "", error["msg"])
    return _BY_TYPE.get(kind) or next(starts, re.sub(r"^Input should ", "must ", own))


def pydantic_messages(error: ValidationError, given: Any = None) -> Iterator[tuple[Path, str]]:
    """Each with the path of its value. `given`: what was read; then a path has no name of a type that
    pydantic tried, and there is one message of a value, which says all that was tried."""
    found = error.errors(include_url=False, include_input=False)
    if given is None:
        yield from ((one["loc"], pydantic_message(one)) for one in found)
        return
    messages: dict[Path, list[str]] = {}
    for one in found:
        messages.setdefault(tuple(_within(given, one)), []).append(pydantic_message(one))
    yield from ((path, alternatives(said)) for path, said in messages.items())


def schema_messages(error: SchemaError) -> Iterator[tuple[Path, str]]:
    """Each with the path of its value; a field that is missing, or that is not known, has its own."""
    kind: Any = error.kind
    path = tuple(error.instance_path)
    match type(kind).__name__.rpartition("_")[2]:
        case "Required":
            yield (*path, kind.property), MISSING
        case "AdditionalProperties" | "UnevaluatedProperties":
            yield from (((*path, name), _EXTRA) for name in kind.unexpected)
        case "AnyOf" | "OneOfNotValid":
            yield from _of_branches(path, kind.context)
        case name if name in _BY_KEYWORD:
            yield path, _BY_KEYWORD[name](kind)
        case _:
            yield path, _shortened(error.message)


def alternatives(messages: Iterable[str]) -> str:
    """One that says all of them, of which one must hold: "must be a whole number, or text"."""
    different = list(dict.fromkeys(messages))
    if len(different) > 1:
        different = [one for one in different if one != _NOTHING]
    rest = [one.removeprefix("must be ") for one in different[1:] if one.startswith("must be ")]
    return ", or ".join([different[0], *rest]) if len(rest) == len(different) - 1 else "; or ".join(different)


def _within(given: Any, error: ErrorDetails) -> Iterator[int | str]:
    """The steps of a path that lead to a value in what was given, or to one that is missing there. The first
    one is a field's name."""
    steps = error["loc"]
    for place, step in enumerate(steps):
        is_there = step in given if isinstance(given, Mapping) else _has(given, step)
        if is_there:
            given = given[step]
        elif place and not (error["type"] == "missing" and place == len(steps) - 1):
            continue  # the name of a type
        yield step


def _has(given: Any, step: int | str) -> bool:
    return isinstance(given, list) and isinstance(step, int) and step < len(given)


def _of_branches(path: Path, branches: Sequence[Sequence[SchemaError]]) -> Iterator[tuple[Path, str]]:
    """Those of the branch that fits but for a value within, else what any branch wants."""
    said = [[found for error in branch for found in schema_messages(error)] for branch in branches]
    within = [branch for branch in said if branch and all(len(place) > len(path) for place, _ in branch)]
    if within:
        yield from min(within, key=len)
    else:
        yield path, alternatives(message for branch in said for place, message in branch if place == path)


def _bound(words: str, limit: Any) -> str:
    return f"must be {words} {_shown(limit)}"


def _at_least(number: int, unit: str) -> str:
    return "must not be empty" if number == 1 else f"must have at least {_counted(number, unit)}"


def _at_most(number: int, unit: str) -> str:
    return f"must have at most {_counted(number, unit)}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit if number == 1 else unit + 's'}"


def _like(pattern: str) -> str:
    return (
        f"must match the pattern {pattern}" if len(pattern) <= _LONGEST_PATTERN else "must match its pattern"
    )


def _choice(values: Sequence[str]) -> str:
    """The first of them, where they are many."""
    if len(values) == 1:
        return f"must be {values[0]}"
    shown: list[str] = []
    for one in values:
        if shown and len(", ".join([*shown, one])) > _LONGEST_CHOICES:
            return f"must be one of {', '.join(shown)} and {len(values) - len(shown)} others"
        shown.append(one)
    return f"must be one of {', '.join(shown)}"


def _expected(text: str) -> list[str]:
    """Values that pydantic has joined as `'a', 'b' or 3`. Where one has a separator in it, as it is."""
    found = re.split(r", | or ", text)
    if all(re.fullmatch(r"'[^']*'|-?\d+|True|False|None", one) for one in found):
        return [_AS_JSON.get(one, one.strip("'")) for one in found]
    return [_shortened(text)]


def _shown(value: Any) -> str:
    """Text as it is, else as JSON has it; a whole number without a point, also where it is a float."""
    if isinstance(value, str):
        return value
    return f"{value:.15g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)


def _shortened(message: str) -> str:
    """It begins with the value, and ends with what is wrong."""
    return message if len(message) <= _LONGEST else f"{message[:60]} … {message[-90:]}"

"""The model of a definition's parameters, which both services read requests by."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticCustomError, SchemaError

from waybill.definitions.date_ranges import (
    NAMED_DAYS,
    NAMED_RANGES,
    DateRange,
    resolve_day,
    resolve_range,
)
from waybill.definitions.model import Choice, ChoiceQuery, Definition, Parameter, ParameterType
from waybill.definitions.yaml_text import Path
from waybill.errors import WaybillError
from waybill.kinds import Parameters

_MAX_LENGTH, _MAX_VALUES = 1000, 1000

_TAKES: Mapping[ParameterType, frozenset[str]] = {
    ParameterType.TEXT: frozenset({"multiple", "max_length", "pattern", "choices"}),
    ParameterType.INTEGER: frozenset({"multiple", "minimum", "maximum", "choices"}),
    ParameterType.NUMBER: frozenset({"multiple", "minimum", "maximum"}),
    ParameterType.BOOLEAN: frozenset(),
    ParameterType.DATE: frozenset({"minimum", "maximum", "time_zone"}),
    ParameterType.DATE_RANGE: frozenset({"minimum", "maximum", "max_days", "time_zone"}),
}
"""Of the keys that not every parameter has, those of each type."""
_DAYS = (ParameterType.DATE, ParameterType.DATE_RANGE)
_SPECIAL = frozenset().union(*_TAKES.values())
_RESERVED = frozenset(dir(Parameters))


class WrongParameter(WaybillError):  # noqa: N818 - the name is the sentence
    """A parameter's definition is none; `path` is where, below the parameters."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


def parameters_model(definition: Definition) -> type[Parameters]:
    """Raises `WrongParameter`."""
    fields = {name: _field(name, one) for name, one in definition.parameters.items()}
    config: Any = {"examples": definition.examples} if definition.examples else {}
    base = type(
        "Parameters",
        (Parameters,),
        {"model_config": ConfigDict(json_schema_extra=config), "__module__": __name__, "__doc__": None},
    )
    create: Any = create_model  # whose fields the checker would want to know
    model: type[Parameters] = create("Parameters", __base__=base, **fields)
    _check_defaults(definition, model)
    return model


def names_in_sql(definition: Definition) -> frozenset[str]:
    """Of the parameters, as `:name` has them."""
    found: set[str] = set()
    for name, one in definition.parameters.items():
        if one.type is ParameterType.DATE_RANGE:
            found.update(f"{name}_{part}" for part in ("first", "last", "start", "end"))
        else:
            found.add(name)
    return frozenset(found)


def values_in_sql(definition: Definition, parameters: Parameters) -> dict[str, Any]:
    """The same names, with their values; one that was left out is None."""
    found: dict[str, Any] = {}
    for name, one in definition.parameters.items():
        value = getattr(parameters, name)
        if one.type is ParameterType.DATE_RANGE:
            parts = ("first", "last", "start", "end")
            found.update({f"{name}_{part}": getattr(value, part, None) for part in parts})
        else:
            found[name] = value
    return found


def _field(name: str, parameter: Parameter) -> Any:
    for fault in _faults(name, parameter):
        raise fault
    try:
        kind: Any = _BUILDERS[parameter.type](name, parameter)
    except WrongParameter as error:
        raise WrongParameter((name, *error.path), str(error)) from None
    if parameter.multiple:
        kind = Annotated[list[kind], Field(min_length=1, max_length=_MAX_VALUES)]
    if parameter.optional:
        kind = kind | None
    return (kind, _info(parameter))


def _info(parameter: Parameter) -> Any:
    extra = _shown(parameter) or None
    texts: dict[str, Any] = {
        "title": parameter.title,
        "description": parameter.description,
        "json_schema_extra": extra,
    }
    if parameter.optional or parameter.default is not None:
        default = parameter.default
        if isinstance(default, str) and parameter.type in _DAYS:
            # on the day of the request, not of the start
            return Field(default_factory=lambda: default, validate_default=True, **texts)
        return Field(default=default, validate_default=default is not None, **texts)
    return Field(**texts)


def _shown(parameter: Parameter) -> dict[str, Any]:
    """What forms need beside the JSON Schema."""
    found: dict[str, Any] = {}
    if labels := {str(one.value): one.label for one in map(_choice, _listed(parameter)) if one.label}:
        found["x-labels"] = labels
    if isinstance(parameter.choices, ChoiceQuery):
        found["x-choices-from-query"] = True
    if parameter.time_zone:
        found["x-time-zone"] = parameter.time_zone
    if isinstance(parameter.default, str) and parameter.type in _DAYS:
        found["default"] = parameter.default
    return found


def _listed(parameter: Parameter) -> list[Choice | str | int]:
    return parameter.choices if isinstance(parameter.choices, list) else []


def _choice(one: Choice | str | int) -> Choice:
    return one if isinstance(one, Choice) else Choice(value=one)


def _text(_: str, parameter: Parameter) -> Any:
    if isinstance(parameter.choices, list):
        return _literal(parameter)
    return Annotated[
        str, Field(max_length=parameter.max_length or _MAX_LENGTH, pattern=parameter.pattern, strict=True)
    ]


def _integer(_: str, parameter: Parameter) -> Any:
    if isinstance(parameter.choices, list):
        return _literal(parameter)
    return Annotated[int, Field(ge=parameter.minimum, le=parameter.maximum)]


def _number(_: str, parameter: Parameter) -> Any:
    return Annotated[float, Field(ge=parameter.minimum, le=parameter.maximum, allow_inf_nan=False)]


def _boolean(_: str, __: Parameter) -> Any:
    return bool


def _date(_: str, parameter: Parameter) -> Any:
    resolve = partial(resolve_day, zone=_zone(parameter))
    named: Any = Literal[tuple(NAMED_DAYS)]
    return Annotated[
        date,
        AfterValidator(partial(_within, parameter=parameter)),
        BeforeValidator(resolve, json_schema_input_type=named | date),
    ]


def _date_range(name: str, parameter: Parameter) -> Any:
    zone = _zone(parameter)
    model = type(
        f"{name.title().replace('_', '')}DateRange",
        (DateRange,),
        {"zone": zone, "__annotations__": {}, "__module__": __name__, "__doc__": DateRange.__doc__},
    )
    named: Any = Literal[tuple(NAMED_RANGES)]
    return Annotated[
        model,
        AfterValidator(partial(_range_within, parameter=parameter)),
        BeforeValidator(partial(resolve_range, zone=zone), json_schema_input_type=named | model),
    ]


def _literal(parameter: Parameter) -> Any:
    return Literal[tuple(_choice(one).value for one in _listed(parameter))]


def _within(day: date, parameter: Parameter) -> date:
    least, most = parameter.minimum, parameter.maximum
    if isinstance(least, date) and day < least:
        raise PydanticCustomError("date_bound", "must be {bound} or later.", {"bound": str(least)})
    if isinstance(most, date) and day > most:
        raise PydanticCustomError("date_bound", "must be {bound} or earlier.", {"bound": str(most)})
    return day


def _range_within(value: DateRange, parameter: Parameter) -> DateRange:
    _within(value.first, parameter)
    _within(value.last, parameter)
    if parameter.max_days and value.days > parameter.max_days:
        raise PydanticCustomError(
            "too_many_days", "must have at most {most} days.", {"most": parameter.max_days}
        )
    return value


def _zone(parameter: Parameter) -> ZoneInfo:
    try:
        return ZoneInfo(parameter.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongParameter(
            ("time_zone",), f"there is no time zone {parameter.time_zone!r}; one is Europe/Paris."
        ) from None


_BUILDERS: Mapping[ParameterType, Callable[[str, Parameter], Any]] = {
    ParameterType.TEXT: _text,
    ParameterType.INTEGER: _integer,
    ParameterType.NUMBER: _number,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.DATE: _date,
    ParameterType.DATE_RANGE: _date_range,
}


def _faults(name: str, parameter: Parameter) -> Iterator[WrongParameter]:
    if name in _RESERVED:
        yield WrongParameter((name,), f"{name}: the name is reserved; take another.")
    given = parameter.model_fields_set & _SPECIAL
    for key in sorted(given - _TAKES[parameter.type]):
        yield WrongParameter((name, key), f"a parameter of type {parameter.type} has no {key}.")
    if parameter.optional and parameter.default is not None:
        yield WrongParameter((name, "optional"), "has a default: leave one of them out.")
    yield from _bound_faults(name, parameter)
    if isinstance(parameter.choices, list):
        yield from _choice_faults(name, parameter)
    if parameter.pattern is not None:
        try:
            TypeAdapter(Annotated[str, Field(pattern=parameter.pattern)])
        except SchemaError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            yield WrongParameter((name, "pattern"), f"is no regular expression for Waybill: {reason}.")


def _bound_faults(name: str, parameter: Parameter) -> Iterator[WrongParameter]:
    dates = parameter.type in _DAYS
    for key in ("minimum", "maximum"):
        bound = getattr(parameter, key)
        if bound is None:
            continue
        if dates != isinstance(bound, date):
            yield WrongParameter((name, key), f"must be {'a date' if dates else 'a number'}.")
        elif parameter.type is ParameterType.INTEGER and not isinstance(bound, int):
            yield WrongParameter((name, key), "must be a whole number.")
    least, most = parameter.minimum, parameter.maximum
    if least is not None and most is not None and type(least) is type(most) and least > most:  # type: ignore[operator]
        yield WrongParameter((name, "maximum"), "is below the minimum.")


def _choice_faults(name: str, parameter: Parameter) -> Iterator[WrongParameter]:
    wanted = int if parameter.type is ParameterType.INTEGER else str
    values = [_choice(one).value for one in _listed(parameter)]
    if not values:
        yield WrongParameter((name, "choices"), "must have at least one value.")
    for number, value in enumerate(values):
        if type(value) is not wanted:
            sort = "a whole number" if wanted is int else "a text: put it in quotes"
            yield WrongParameter((name, "choices", number), f"must be {sort}.")
        elif value in values[:number]:
            yield WrongParameter((name, "choices", number), f"{value!r} is there twice.")


def _check_defaults(definition: Definition, model: type[Parameters]) -> None:
    """Each default must be a value of its parameter, and each example a set of parameters."""
    given = {name: one.default for name, one in definition.parameters.items() if one.default is not None}
    for name, value in given.items():
        try:
            model.__pydantic_validator__.validate_assignment(model.model_construct(), name, value)
        except ValidationError as error:
            frozen = [one for one in error.errors() if one["type"] != "frozen_instance"]
            if frozen:
                raise WrongParameter((name, "default"), f"{frozen[0]['msg']}") from None
    for number, example in enumerate(definition.examples):
        try:
            model.model_validate(example)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise WrongParameter(("..", "examples", number), f"{where}: {first['msg']}") from None

"""What is wrong with a value is said in plain words, the same whether pydantic or a JSON Schema finds it."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema_rs
import pytest
from pydantic import AnyUrl, AwareDatetime, BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from producer_api.error_messages import pydantic_messages, schema_messages

A_DATE = "must be a date, as 2026-11-23"
A_DATE_TIME = "must be a date and time, as 2026-11-23T12:00:00Z"
EXTRA = "must be left out: there is no such field"


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Days(BaseModel, extra="forbid"):
    first: date
    last: date


def refused(value: Any) -> Any:
    raise ValueError("must be even")


def refused_with_type(value: Any) -> Any:
    raise PydanticCustomError("odd", "must be {what}.", {"what": "even"})


def of_pydantic(wanted: Any, value: Any, *, strict: bool = False) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(wanted).validate_python(value, strict=strict)
    return list(pydantic_messages(caught.value, value))


def of_schema(schema: dict[str, Any], value: Any) -> list[tuple[tuple[int | str, ...], str]]:
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    return [one for error in validator.iter_errors(value) for one in schema_messages(error)]


@pytest.mark.parametrize(
    ("wanted", "value", "message"),
    [
        (Annotated[int, Field(ge=1)], 0, "must be at least 1"),
        (Annotated[int, Field(gt=1)], 1, "must be more than 1"),
        (Annotated[int, Field(le=12)], 13, "must be at most 12"),
        (Annotated[float, Field(lt=2)], 2, "must be less than 2"),
        (Annotated[float, Field(le=0.5)], 1, "must be at most 0.5"),
        (Annotated[int, Field(multiple_of=5)], 7, "must be a multiple of 5"),
        (int, "seven", "must be a whole number"),
        (int, 7.5, "must be a whole number"),
        (int, [], "must be a whole number"),
        (float, "seven", "must be a number"),
        (Decimal, "seven", "must be a number"),
        (
            Annotated[Decimal, Field(decimal_places=2)],
            "1.005",
            "must have at most 2 digits after the decimal point",
        ),
        (Annotated[float, Field(allow_inf_nan=False)], float("inf"), "must be a finite number"),
        (bool, "perhaps", "must be true or false"),
        (str, 7, "must be text"),
        (Annotated[str, Field(min_length=1)], "", "must not be empty"),
        (Annotated[str, Field(min_length=3)], "ab", "must have at least 3 characters"),
        (Annotated[str, Field(max_length=3)], "abcd", "must have at most 3 characters"),
        (Annotated[str, Field(max_length=1)], "ab", "must have at most 1 character"),
        (Annotated[str, Field(pattern="^[A-Z]{2}$")], "b6", "must match the pattern ^[A-Z]{2}$"),
        (Annotated[str, Field(pattern="a" * 201)], "b6", "must match its pattern"),
        (date, "June", A_DATE),
        (date, "2026-11-31", A_DATE),
        (date, "2026-11-23T12:00:00", A_DATE),
        (datetime, "noon", A_DATE_TIME),
        (AwareDatetime, "2026-11-23T12:00:00", "must have a time zone, as 2026-11-23T12:00:00Z"),
        (time, "noon", "must be a time of day, as 12:30:00"),
        (timedelta, "long", "must be a duration, as PT30M"),
        (UUID, "no", "must be a UUID"),
        (AnyUrl, "no", "must be a URL, as https://example.com/"),
        (Literal["a"], "b", "must be a"),
        (Literal["a", "b"], "c", "must be one of a, b"),
        (Literal["a", "b", 3], "c", "must be one of a, b, 3"),
        (Literal["a", True, None], "c", "must be one of a, true, null"),
        (Literal["a or b", "c"], "c d", "must be 'a or b' or 'c'"),
        (Size, "medium", "must be one of small, large"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "must have at most 1 value"),
        (Annotated[list[int], Field(min_length=2)], [1], "must have at least 2 values"),
        (Annotated[list[int], Field(min_length=1)], [], "must not be empty"),
        (list[int], "no", "must be a list"),
        (dict[str, int], "no", "must be a JSON object"),
        (Days, "no", "must be a JSON object"),
    ],
)
def test_each_usual_error_of_pydantic(wanted: Any, value: Any, message: str) -> None:
    assert of_pydantic(wanted, value) == [((), message)]


def test_of_many_choices_the_first_are_named() -> None:
    many = [f"choice {number}" for number in range(50)]
    ((_, message),) = of_pydantic(Literal[tuple(many)], "none")
    assert message.startswith("must be one of choice 0, choice 1, ")
    assert message.endswith(" and 40 others")
    assert of_schema({"enum": many}, "none") == [((), message)]


@pytest.mark.parametrize("validator", [refused, refused_with_type])
def test_the_sentence_of_a_validator_stays(validator: Any) -> None:
    ((_, message),) = of_pydantic(Annotated[int, BeforeValidator(validator)], 3)
    assert message.rstrip(".") == "must be even"


def test_what_is_missing_and_what_is_not_known_is_said_at_its_own_path() -> None:
    sent = {"first": "2026-01-01", "extra": 1}
    expected = {(("last",), "must be given"), (("extra",), EXTRA)}
    assert set(of_pydantic(Days, sent)) == expected
    assert set(of_schema(Days.model_json_schema(), sent)) == expected


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer"}, "7", "must be a whole number"),
        ({"type": ["integer", "null"]}, "7", "must be a whole number"),
        ({"type": ["integer", "string"]}, [], "must be a whole number, or text"),
        ({"type": "number"}, "7", "must be a number"),
        ({"type": "string"}, 7, "must be text"),
        ({"type": "boolean"}, 1, "must be true or false"),
        ({"type": "array"}, 1, "must be a list"),
        ({"type": "object"}, 1, "must be a JSON object"),
        ({"minimum": 1}, 0, "must be at least 1"),
        ({"exclusiveMinimum": 1}, 1, "must be more than 1"),
        ({"maximum": 12.0}, 13, "must be at most 12"),
        ({"exclusiveMaximum": 2}, 2, "must be less than 2"),
        ({"multipleOf": 5}, 7, "must be a multiple of 5"),
        ({"minLength": 3}, "ab", "must have at least 3 characters"),
        ({"minLength": 1}, "", "must not be empty"),
        ({"maxLength": 3}, "abcd", "must have at most 3 characters"),
        ({"pattern": "^a"}, "b", "must match the pattern ^a"),
        ({"minItems": 2}, [1], "must have at least 2 values"),
        ({"maxItems": 1}, [1, 2], "must have at most 1 value"),
        ({"uniqueItems": True}, [1, 1], "must have no value twice"),
        ({"enum": ["a", "b", 3]}, "c", "must be one of a, b, 3"),
        ({"const": "a"}, "c", "must be a"),
        ({"format": "date"}, "June", A_DATE),
        ({"format": "date-time"}, "noon", A_DATE_TIME),
        ({"format": "uuid"}, "no", "must be a UUID"),
        ({"anyOf": [{"enum": ["today"]}, {"format": "date"}]}, "June", f"must be today, or {A_DATE[8:]}"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "7", "must be a whole number"),
    ],
)
def test_each_usual_error_of_a_schema(schema: dict[str, Any], value: Any, message: str) -> None:
    assert of_schema(schema, value) == [((), message)]


def test_of_a_range_that_is_nearly_one_the_day_is_said() -> None:
    schema = {"anyOf": [{"enum": ["today"]}, Days.model_json_schema()]}
    assert of_schema(schema, {"first": "June", "last": "2026-11-23"}) == [(("first",), A_DATE)]


def test_what_pydantic_tried_of_one_value_is_one_message() -> None:
    wanted = dict[str, list[int | bool | Days]]
    assert of_pydantic(wanted, {"a": ["x"]}) == [
        (("a", 0), "must be a whole number, or true or false, or a JSON object")
    ]
    assert of_pydantic(dict[str, int | Days], {"a": {"first": "2026-01-01"}}) == [
        (("a",), "must be a whole number"),
        (("a", "last"), "must be given"),
    ]

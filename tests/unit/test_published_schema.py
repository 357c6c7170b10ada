"""What a kind's published JSON Schema says is what the API accepts."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from producer_api.exact_json import ExactJSONProvider
from producer_api.published import published_schema
from tests.support.all_sorts import ALL_SORTS, AllSorts
from tests.support.waiting import ends
from waybill.kinds import Kind, published
from waybill.kinds.dowork import DOWORK
from waybill.kinds.flights import FLIGHTS
from waybill.kinds.schema import MAX_INTEGER, bounded
from waybill_client.cli.parameters import describe_type

JSON = ExactJSONProvider(Flask(__name__))


OWN_RULES = {"outside_the_data", "two_periods", "reversed_period"}
"""Of flights: what its validators say, and no JSON Schema can."""


def accepts(kind: Kind, sent: Mapping[str, Any]) -> bool | None:
    """None where only the kind's own rules are against it."""
    try:
        kind.read_parameters(sent)
    except ValidationError as error:
        return None if {one["type"] for one in error.errors()} <= OWN_RULES else False
    return not published_schema(kind).errors(sent)


def is_valid(kind: Kind, sent: Mapping[str, Any]) -> bool:
    """By another implementation of JSON Schema."""
    validator = jsonschema.Draft202012Validator(
        published_schema(kind).document, format_checker=jsonschema.FormatChecker(["date"])
    )
    return validator.is_valid(json.loads(json.dumps(sent, default=float)))


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-3, 40).map(float),
    st.text(max_size=5),
    st.sampled_from(
        [
            "7",
            " 7 ",
            "1.0",
            "2013-02-01",
            "2013-02-30",
            "20130201",
            "1370044800",
            "1e3",
            "true",
            "a",
            "B6",
            "JFK",
        ]
    ),
    st.dates(date(2012, 12, 30), date(2014, 1, 2)).map(str),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["size", "1", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def requests(kind: Kind) -> st.SearchStrategy[dict[str, Any]]:
    fields = kind.parameters.model_fields
    names = st.sampled_from([*(field.alias or name for name, field in fields.items()), "unknown"])
    return st.dictionaries(names, values, max_size=3)


@pytest.mark.parametrize("kind", [DOWORK, FLIGHTS, ALL_SORTS], ids=lambda kind: kind.name)
def test_what_is_accepted_is_what_the_schema_allows(kind: Kind) -> None:
    @settings(max_examples=600, deadline=None, database=None)
    @example({"at": None})
    @given(requests(kind))
    def property_of_requests(sent: dict[str, Any]) -> None:
        read = JSON.loads(json.dumps(sent))
        accepted = accepts(kind, read)
        if accepted is not None and "at" not in sent:  # a time may lack its offset
            assert accepted == is_valid(kind, read)
        if accepted:
            stored = kind.stored_parameters(read)
            assert kind.read_parameters(json.loads(json.dumps(stored))) == kind.read_parameters(read)

    property_of_requests()


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ('{"month": true}', "parameters.month", "must be a whole number"),
        ('{"month": " 7 "}', "parameters.month", "must be a whole number"),
        ('{"month": 7.5}', "parameters.month", "got a number with a fractional part"),
        ('{"first_day": 1370044800}', "parameters.first_day", "must be a date"),
        ('{"first_day": "1370044800"}', "parameters.first_day", ""),
    ],
)
def test_what_pydantic_would_read_otherwise_is_refused_with_its_field(
    body: str, field: str, message: str
) -> None:
    sent = JSON.loads(body)
    try:
        FLIGHTS.read_parameters(sent)
    except ValidationError as error:
        assert message in str(error)
        return

    errors = published_schema(FLIGHTS).errors(sent)

    assert {error.field for error in errors} == {field}
    assert message in errors[0].message


@pytest.mark.parametrize("text", ["3.0", "3", "30e-1", "0.3e1"])
def test_an_integer_is_one_however_it_is_written(text: str) -> None:
    sent = JSON.loads(f'{{"month": {text}}}')

    assert FLIGHTS.stored_parameters(sent)["month"] == 3
    assert published_schema(FLIGHTS).errors(sent) == []


@pytest.mark.parametrize(
    "text", ["0.12345678901234567890123456789", "12345678901234567890123456789", "1.1", "-7"]
)
def test_a_decimal_keeps_its_digits(text: str) -> None:
    sent = JSON.loads(f'{{"amount": {text}}}')
    assert published_schema(ALL_SORTS).errors(sent) == []

    row = json.loads(json.dumps(ALL_SORTS.stored_parameters(sent)))

    read = ALL_SORTS.read_parameters(row)
    assert isinstance(read, AllSorts)
    assert read.amount == Decimal(text)


@pytest.mark.parametrize("text", ["9" * 101, "1e99999999999", "-1e400", "1e-999999999", "0e999999999"])
def test_a_number_beyond_all_use_costs_nothing(text: str) -> None:
    """Its value is never computed digit by digit."""

    def read() -> None:
        try:
            number = JSON.loads(text)
        except ValueError as error:
            assert "more than 100 characters" in str(error)
        else:
            assert abs(number) in (0, float("inf"))

    ends(read)


@pytest.mark.parametrize(
    "sent",
    [
        {"whole": MAX_INTEGER + 1},
        {"text": "x" * 10_001},
        {"counts": {str(number): 1 for number in range(1001)}},
        {"counts": {"x" * 201: 1}},
        {"counts": {"x": -MAX_INTEGER - 2}},
        {"inner": [{"size": 1}] * 10_001},
        *(
            {name: place(huge)}
            for huge in (
                10**90,
                -(10**20),
                1e300,
                "x" * 10_001,
                {"x" * 201: 1},
                {str(number): 1 for number in range(1001)},
                [0] * 10_001,
            )
            for name, place in (
                ("anything", lambda huge: huge),
                ("anything", lambda huge: [{"x": [huge]}]),
                ("by_name", lambda huge: {"x": huge}),
                ("json", lambda huge: [huge]),
            )
        ),
    ],
    ids=lambda sent: next(iter(sent)),
)
def test_what_a_model_leaves_open_is_bounded(sent: dict[str, Any]) -> None:
    ALL_SORTS.read_parameters(sent)

    errors = published_schema(ALL_SORTS).errors(sent)
    assert errors
    assert all(len(error.message) < 200 for error in errors), "the value itself is not repeated"


@pytest.mark.parametrize(
    "anything", [None, True, MAX_INTEGER, 1.5e-300, "x" * 10_000, [{"x": [None, "é", -1]}], {"$ref": "#"}]
)
def test_what_is_within_bounds_needs_no_type(anything: Any) -> None:
    sent = {"anything": anything, "by_name": {"x": anything}, "json": anything}

    assert published_schema(ALL_SORTS).errors(sent) == []
    assert is_valid(ALL_SORTS, sent)


def test_names_have_a_bound_where_the_model_says_more_of_them() -> None:
    named = {
        "type": "object",
        "propertyNames": {"pattern": "^a"},
        "additionalProperties": {"type": "boolean"},
    }

    assert bounded(named)["propertyNames"] == {"maxLength": 200, "pattern": "^a"}


def test_a_models_own_bounds_stay() -> None:
    own = {
        "type": "object",
        "properties": {"n": {"type": "integer", "exclusiveMinimum": 0, "maximum": 2**70}},
    }

    assert bounded(own)["properties"] == own["properties"]
    assert published(DOWORK.parameters)["properties"]["steps"]["maximum"] == 1000


def test_the_command_line_calls_it_any() -> None:
    schema = published(AllSorts)

    assert describe_type(schema["$defs"]["any-value"]) == "any"

"""A form from a JSON Schema: each sort of parameter, and what is sent of it."""

from typing import Any

import pytest

from producer_api.problems import FieldError
from producer_api.web.fields import FormField, Widget, fields_of, link_fields
from producer_api.web.sent_fields import errors_by_field, sent_parameters

RANGE = {"properties": {"first": {"type": "string"}, "last": {"type": "string"}}, "type": "object"}


def field(schema: dict[str, Any], value: Any = None) -> FormField:
    document = {"properties": {"one": schema}, "$defs": {"Range": RANGE}}
    (found,) = fields_of(document, {} if value is None else {"one": value})
    return found


@pytest.mark.parametrize(
    ("schema", "widget"),
    [
        ({"type": "string"}, Widget.TEXT),
        ({"type": "integer"}, Widget.NUMBER),
        ({"type": "number"}, Widget.NUMBER),
        ({"type": "boolean"}, Widget.YES_NO),
        ({"type": "string", "format": "date"}, Widget.DATE),
        ({"type": "string", "enum": ["a", "b"]}, Widget.RADIO),
        ({"type": "string", "enum": list("abcdef")}, Widget.SELECT),
        ({"type": "array", "items": {"type": "string"}}, Widget.LINES),
        ({"type": "array", "items": {"type": "string", "enum": ["a"]}}, Widget.CHECKBOXES),
        ({"anyOf": [{"type": "string", "enum": ["today"]}, {"$ref": "#/$defs/Range"}]}, Widget.RANGE),
        ({"type": "object"}, Widget.JSON),
        ({}, Widget.JSON),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, Widget.JSON),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, Widget.NUMBER),
    ],
)
def test_each_sort_of_parameter_has_its_widget(schema: dict[str, Any], widget: Widget) -> None:
    assert field(schema).widget is widget


@pytest.mark.parametrize(
    ("schema", "sent", "value"),
    [
        ({"type": "integer"}, {"p.one": ["7"]}, 7),
        ({"type": "integer"}, {"p.one": ["seven"]}, "seven"),
        ({"type": "number"}, {"p.one": ["1.5"]}, 1.5),
        ({"type": "boolean"}, {"p.one": ["false"]}, False),
        ({"type": "string", "enum": ["a"]}, {"p.one": ["a"]}, "a"),
        ({"type": "array", "items": {"type": "integer"}}, {"p.one": ["1\n\n2\r\n"]}, [1, 2]),
        (
            {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
            {"p.one": ["a", "b"]},
            ["a", "b"],
        ),
        ({"anyOf": [{"$ref": "#/$defs/Range"}]}, {"p.one.first": ["2026-01-01"]}, {"first": "2026-01-01"}),
        ({"anyOf": [{"enum": ["today"]}, {"$ref": "#/$defs/Range"}]}, {"p.one": ["today"]}, "today"),
        ({"type": "object"}, {"p.one": ['{"a": [1]}']}, {"a": [1]}),
    ],
)
def test_what_is_sent_is_json_of_its_type(
    schema: dict[str, Any], sent: dict[str, list[str]], value: Any
) -> None:
    assert sent_parameters([field(schema)], sent) == ({"one": value}, [])


def test_what_is_empty_is_left_out_or_null() -> None:
    optional = field({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 5})
    assert sent_parameters([optional], {"p.one": [""]}) == ({"one": None}, [])
    assert sent_parameters([field({"type": "integer"})], {"p.one": [" "]}) == ({}, [])


def test_what_is_no_json_is_said_by_its_field() -> None:
    values, errors = sent_parameters([field({"type": "object"})], {"p.one": ["{"]})
    assert values == {}
    assert errors[0].field == "parameters.one"


def test_errors_are_gathered_by_field() -> None:
    errors = [
        FieldError(field="parameters.period.first", message="is no date"),
        FieldError(field="parameters.n", message="too large"),
        FieldError(field="tags.0", message="too long"),
    ]
    assert errors_by_field(errors) == {
        "p.period": ["first: is no date"],
        "p.n": ["too large"],
        "tags": ["0: too long"],
    }


def test_an_address_has_what_a_form_has() -> None:
    parameters = {"n": 1, "many": ["a", "b"], "days": {"first": "1", "last": "2"}, "none": None, "yes": True}
    assert list(link_fields(parameters)) == [
        ("p.n", "1"),
        ("p.many", "a"),
        ("p.many", "b"),
        ("p.days.first", "1"),
        ("p.days.last", "2"),
        ("p.yes", "true"),
    ]


def test_a_bound_that_no_browser_knows_exactly_is_left_to_the_server() -> None:
    schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    assert field(schema).attributes == {"min": 0, "step": "1"}


@pytest.mark.parametrize(
    ("schema", "title"),
    [
        ({"title": "One"}, "One"),
        ({}, "One"),
        ({"title": "The First Of All"}, "The First Of All"),
    ],
)
def test_its_title(schema: dict[str, Any], title: str) -> None:
    assert field({"type": "string", **schema}).title == title


def test_a_title_that_pydantic_made_has_one_capital() -> None:
    document = {"properties": {"max_step_ms": {"type": "integer", "title": "Max Step Ms"}}}
    assert [one.title for one in fields_of(document, {})] == ["Max step ms"]

"""A form from a JSON Schema: each sort of parameter, and what is sent of it."""

from typing import Any

import pytest

from producer_api.web.field_texts import Widget
from producer_api.web.fields import FormField, fields_of
from producer_api.web.sent_fields import sent_parameters, typed

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


TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
FEW = {"type": "string", "enum": ["a", "b"]}
SOME = {"type": "array", "items": FEW}


def either(*schemas: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"anyOf": list(schemas), **more}


def submitted(one: FormField) -> dict[str, list[str]]:
    """As a browser sends the field, untouched: a chosen box or option alone, lines with CR LF."""
    offered = [value for value, _ in one.choices]
    match one.widget:
        case Widget.RANGE if len(one.texts) == 2:
            return {f"{one.key}.first": [one.texts[0]], f"{one.key}.last": [one.texts[1]]}
        case Widget.CHECKBOXES | Widget.RADIO | Widget.SELECT | Widget.RANGE:
            return {one.key: [text for text in one.texts if text in offered]}
        case Widget.LINES | Widget.JSON:
            return {one.sent_as: ["\r\n".join(one.texts).replace("\r\n", "\n").replace("\n", "\r\n")]}
        case Widget.TEXT:
            return {one.key: ["".join(one.texts).replace("\n", "").replace("\r", "")]}
    return {one.key: list(one.texts) or [""]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (TEXT, "two\nlines"),
        (TEXT, " kept "),
        (TEXT, " "),
        (TEXT, ""),
        ({**TEXT, "default": "q"}, ""),
        ({**TEXT, "default": "a\nb"}, "hello"),
        ({**TEXTS, "default": ["x\ny"]}, ["p", "q"]),
        ({**SOME, "default": [["nested"]]}, ["a", "b"]),
        (TEXTS, ["two\nlines", " kept ", ""]),
        (TEXTS, ["a", "b"]),
        (SOME, ["a", "not offered any more"]),
        (FEW, "not offered any more"),
        (either(FEW, {"type": "null"}, default="a"), "not offered any more"),
        (either({"type": "integer"}, {"type": "null"}, default=5), None),
        (either(TEXTS, {"type": "null"}, default=["a"]), None),
        ({**TEXTS, "default": ["a"]}, []),
        ({**SOME, "default": ["a"]}, []),
        ({"enum": ["a", 1, True, None]}, "a"),
        (either(TEXTS, TEXT), "a"),
        (either({"type": "integer"}, TEXT), "7"),
        (either({"type": "integer"}, TEXT), 7),
        (
            either({"enum": ["today"]}, {"$ref": "#/$defs/Range"}),
            {"first": "2026-01-01", "last": "2026-01-02"},
        ),
        (either({"enum": ["today"]}, {"$ref": "#/$defs/Range"}), "not_offered_any_more"),
        ({"type": "object"}, {"deep": [{"er": [1, "\N{SNOWMAN}"]}]}),
    ],
)
def test_what_a_form_shows_is_what_it_sends_and_what_its_address_fills_in(
    schema: dict[str, Any], value: Any
) -> None:
    document = {"properties": {"one": schema}, "$defs": {"Range": RANGE}}
    plain, shown = fields_of(document, {}), fields_of(document, {"one": value})

    assert sent_parameters(plain, submitted(shown[0])) == ({"one": value}, [])

    address: dict[str, list[str]] = {}
    for key, text in shown[0].filled:
        address.setdefault(key, []).append(text)
    again = fields_of(document, typed(plain, address) if address else {})
    assert [one.texts for one in again] == [one.texts for one in shown]


def test_an_emptied_field_that_falls_back_to_its_default_shows_it() -> None:
    assert field({"type": "integer", "default": 10}).placeholder == "10"
    assert field(either({"enum": ["a", 1]}, TEXTS, default="a")).placeholder == '"a"'
    assert field(either({"type": "integer"}, {"type": "null"}, default=10)).placeholder == ""
    assert field({**SOME, "default": ["a"]}).placeholder == ""


@pytest.mark.parametrize(
    "text",
    ["[" * 5000, "[" * 200 + "]" * 200, r'"\ud800"', r'{"\ud800": 1}', r'"\u0000"', "NaN", "1e999", "{", "a"],
)
def test_what_is_typed_as_json_and_cannot_be_kept_is_said_and_shown_as_it_was_typed(text: str) -> None:
    fields = [field({"type": "object"})]
    values, errors = sent_parameters(fields, {"p.one": [text]})
    assert (values, [one.field for one in errors]) == ({}, ["parameters.one"])
    assert field({"type": "object"}, typed(fields, {"p.one": [text]})["one"]).texts == [text]


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

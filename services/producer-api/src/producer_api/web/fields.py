"""A form from the JSON Schema of a kind's parameters: what each field is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from producer_api.choices import KindChoices

PREFIX: Final = "p."
"""Of the fields of parameters, in forms and addresses."""
_FEW: Final = 5
_LARGEST: Final = 2**53
_RANGE: Final = {"first", "last"}


class Widget(StrEnum):
    """How a field is shown."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes-no"
    RADIO = "radio"
    SELECT = "select"
    CHECKBOXES = "checkboxes"
    LINES = "lines"
    """Several texts, one a line."""
    RANGE = "range"
    """A name of days, or the first and the last."""
    JSON = "json"


@dataclass(frozen=True)
class FormField:
    """A parameter. `texts`: what is filled in; of a range, its name or its two days. `hint`: what is known of
    its choices besides them."""

    name: str
    title: str
    description: str
    widget: Widget
    schema: Mapping[str, Any]
    required: bool
    nullable: bool
    choices: Sequence[tuple[str, str]] = ()
    texts: Sequence[str] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""

    @property
    def filled(self) -> list[tuple[str, str]]:
        """The fields of an address that fills it in as it is."""
        if self.widget is Widget.RANGE and len(self.texts) == len(_RANGE):
            keys = [f"{self.key}.{part}" for part in ("first", "last")]
        else:
            keys = [self.key] * len(self.texts)
        return [(key, text) for key, text in zip(keys, self.texts, strict=True) if text.strip()]


def fields_of(
    document: Mapping[str, Any], values: Mapping[str, Any], choices: KindChoices | None = None
) -> list[FormField]:
    """In the schema's order. `values`: what is filled in, before defaults."""
    required = set(document.get("required", ()))
    return [
        _field(name, one, name in required, document, values, choices)
        for name, one in document.get("properties", {}).items()
    ]


def _field(
    name: str,
    schema: Mapping[str, Any],
    required: bool,
    document: Mapping[str, Any],
    values: Mapping[str, Any],
    choices: KindChoices | None,
) -> FormField:
    options = [_resolved(one, document) for one in schema.get("anyOf", [schema])]
    nullable = any(one.get("type") == "null" for one in options)
    options = [one for one in options if one.get("type") != "null"]
    listed = choices.parameters.get(name) if choices else None
    labels = schema.get("x-labels", {})
    known = [(str(one.value), one.label or str(one.value)) for one in listed.choices] if listed else []
    of = {**(options[0] if len(options) == 1 else {}), "options": options}
    enum = of.get("enum") or (of.get("items") or {}).get("enum") or []
    offered = known or [(str(value), labels.get(str(value), str(value))) for value in enum]
    widget = _widget(of, offered)
    value = values[name] if name in values else schema.get("default")
    return FormField(
        name=name,
        title=_title(name, str(schema.get("title", ""))),
        description=str(schema.get("description", "")),
        widget=widget,
        schema=of,
        required=required,
        nullable=nullable,
        choices=_range_names(of) if widget is Widget.RANGE else offered,
        texts=_texts(value, widget),
        attributes=_attributes(of, schema),
        hint=_hint(listed, choices),
    )


def _title(name: str, given: str) -> str:
    """That which the kind gives it; from its name where pydantic has made one, each word with a capital."""
    words = name.replace("_", " ")
    return words.capitalize() if given.lower() in ("", words.lower()) else given


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = str(schema.get("$ref", ""))
    if not reference.startswith("#/$defs/"):
        return schema
    found: Mapping[str, Any] = document.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
    return found


def _widget(of: Mapping[str, Any], offered: Sequence[object]) -> Widget:
    if _is_range(of):
        return Widget.RANGE
    kind, items = of.get("type"), of.get("items") or {}
    if kind == "array" and items.get("type") in ("string", "integer", "number"):
        return Widget.CHECKBOXES if offered else Widget.LINES
    if offered and kind in ("string", "integer", "number"):
        return Widget.RADIO if len(offered) <= _FEW else Widget.SELECT
    match kind, of.get("format"):
        case "boolean", _:
            return Widget.YES_NO
        case "integer" | "number", _:
            return Widget.NUMBER
        case "string", "date":
            return Widget.DATE
        case "string", _:
            return Widget.TEXT
    return Widget.JSON


def _is_range(of: Mapping[str, Any]) -> bool:
    return any(set(one.get("properties", {})) == _RANGE for one in of["options"])


def _range_names(of: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = [name for one in of["options"] for name in one.get("enum", ())]
    return [(name, str(name).replace("_", " ").capitalize()) for name in names]


def _attributes(of: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Of HTML, so that a browser says at once what is wrong."""
    found: dict[str, Any] = {
        "min": of.get("minimum"),
        "max": of.get("maximum"),
        "maxlength": of.get("maxLength"),
        "step": {"integer": "1", "number": "any"}.get(str(of.get("type"))),
    }
    if schema.get("pattern") is None and of.get("type") == "string":
        found["pattern"] = of.get("pattern")
    return {name: value for name, value in found.items() if value is not None and not _is_beyond(value)}


def _is_beyond(value: Any) -> bool:
    """Whether a browser does not know it exactly: the server's bound then."""
    return isinstance(value, int) and abs(value) > _LARGEST


def _hint(listed: Any, choices: KindChoices | None) -> str:
    if listed is None or choices is None:
        return ""
    if listed.error:
        return f"What may be chosen is not known: {listed.error}"
    if choices.read_at is None:
        return "What may be chosen is being read from its source."
    return "There are more than these." if listed.more else ""


def _texts(value: Any, widget: Widget) -> list[str]:
    if value is None:
        return []
    if widget is Widget.RANGE:
        return (
            [str(value.get("first", "")), str(value.get("last", ""))]
            if isinstance(value, Mapping)
            else [str(value)]
        )
    if widget in (Widget.LINES, Widget.CHECKBOXES):
        return [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
    if widget is Widget.JSON:
        return [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def link_fields(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of an address that fills in a form with these parameters."""
    for name, value in parameters.items():
        if isinstance(value, list):
            yield from ((f"{PREFIX}{name}", _text(one)) for one in value)
        elif isinstance(value, Mapping) and set(value) == _RANGE:
            yield from ((f"{PREFIX}{name}.{part}", str(value[part])) for part in ("first", "last"))
        elif value is not None:
            yield f"{PREFIX}{name}", _text(value)

"""A form from the JSON Schema of a kind's parameters: what each field is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from producer_api.choices import KindChoices
from producer_api.web.field_texts import CHOICES, RANGE, Widget, fits, texts

PREFIX: Final = "p."
"""Of the fields of parameters, in forms and addresses."""
RAW: Final = ".json"
"""What the name of a field ends with that has JSON whatever its parameter is."""
_FEW: Final = 5
_LARGEST: Final = 2**53


@dataclass(frozen=True)
class FormField:
    """A parameter. `widget`: how it is shown, and `own` how its schema wants it shown; they differ where it
    `is_raw`, shown as JSON, since its own widget cannot have what is filled in. `texts`: what is filled in;
    of a range, its name or its two days. `default`: its value where none is given. `hint`: what is known of
    its choices besides them."""

    name: str
    title: str
    description: str
    widget: Widget
    own: Widget
    schema: Mapping[str, Any]
    required: bool
    nullable: bool
    choices: Sequence[tuple[str, str]] = ()
    texts: Sequence[str] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    default: Any = None

    @property
    def is_raw(self) -> bool:
        return self.widget is not self.own

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def sent_as(self) -> str:
        """The name of its element."""
        return f"{self.key}{RAW}" if self.is_raw else self.key

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""

    @property
    def placeholder(self) -> str:
        """The default, which holds where the field is left empty; empty where that means none."""
        if self.nullable or self.takes_several or self.default is None:
            return ""
        return texts(self.default, Widget.JSON if self.widget is Widget.JSON else Widget.TEXT)[0]

    @property
    def takes_several(self) -> bool:
        return self.own in (Widget.LINES, Widget.CHECKBOXES)

    @property
    def filled(self) -> list[tuple[str, str]]:
        """The fields of an address that fills it in as it is; one that is emptied is said too."""
        if self.widget is Widget.RANGE and len(self.texts) == len(RANGE):
            keys = [f"{self.key}.{part}" for part in ("first", "last")]
        else:
            keys = [self.sent_as] * len(self.texts)
        found = [(key, text) for key, text in zip(keys, self.texts, strict=True) if text.strip()]
        return found or ([(self.key, "")] if self.default not in (None, [], "") else [])


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
    own, default = _widget(of, offered), schema.get("default")
    value = values.get(name, default)
    # An empty text is sent as none at all.
    widget = own if fits(value, own) and (value != "" or default == "") else Widget.JSON
    filled = texts(value, widget)
    if widget is Widget.RANGE:
        offered = _range_names(of)
    return FormField(
        name=name,
        title=_title(name, str(schema.get("title", ""))),
        description=str(schema.get("description", "")),
        widget=widget,
        own=own,
        schema=of,
        required=required,
        nullable=nullable,
        choices=_with_filled(offered, filled, widget, there_are_more=bool(listed and listed.more)),
        texts=filled,
        attributes=_attributes(of, schema),
        hint=_hint(listed, choices),
        default=default,
    )


def _with_filled(
    offered: Sequence[tuple[str, str]], filled: Sequence[str], widget: Widget, *, there_are_more: bool
) -> Sequence[tuple[str, str]]:
    """Also what is filled in and not offered, as in an earlier report: else it would be lost unseen."""
    if widget not in CHOICES or (widget is Widget.RANGE and len(filled) != 1):
        return offered
    known, words = dict(offered), "" if there_are_more else " (not offered)"
    return [*offered, *((one, f"{one}{words}") for one in filled if one.strip() and one not in known)]


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
    return any(set(one.get("properties", {})) == RANGE for one in of["options"])


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
        return f"The choices could not be read: {listed.error}"
    if choices.read_at is None:
        return "The choices are being read."
    return "There are more choices than these." if listed.more else ""

"""What the page shows of each operation and each object."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from producer_api.documentation.types import in_words, named, object_of, short_name
from producer_api.web.shell_commands import curl

_METHODS: Final = ("get", "post", "put", "delete")
_JSON: Final = "application/json"
_FIRST_ERROR: Final = 400
_NO_DESCRIPTION: Final = "Successful response"


@dataclass(frozen=True)
class Parameter:
    """A parameter, or a field of an object. `where`: `path`, `query` or `header`, empty for a field.
    `leads_to`: the name of the object that it is."""

    name: str
    where: str
    type: str
    leads_to: str | None
    required: bool
    default: str | None
    description: str


@dataclass(frozen=True)
class Answer:
    """`example`: JSON in lines, or empty."""

    status: int
    title: str
    description: str
    media_types: Sequence[str]
    leads_to: str | None
    example: str


@dataclass(frozen=True)
class Operation:
    """`anchor`: its id on the page. `body`: the fields of its JSON."""

    anchor: str
    method: str
    path: str
    text: str
    parameters: Sequence[Parameter]
    body: Sequence[Parameter]
    answers: Sequence[Answer]
    errors: Sequence[Answer]
    curl: str


@dataclass(frozen=True)
class Group:
    title: str
    operations: Sequence[Operation]


@dataclass(frozen=True)
class ObjectShown:
    name: str
    description: str
    fields: Sequence[Parameter]


@dataclass(frozen=True)
class Reference:
    """`credentials`: each that is accepted, with what it is."""

    groups: Sequence[Group]
    objects: Sequence[ObjectShown]
    credentials: Mapping[str, str]


def reference_of(description: Mapping[str, Any], address: str) -> Reference:
    """Of an OpenAPI 3.1 description as this service answers it. `address`: of the service, for examples."""
    schemas = description["components"]["schemas"]
    schemes = description["components"].get("securitySchemes", {})
    titles = dict.fromkeys(tag["name"] for tag in description["tags"])
    found: dict[str, list[Operation]] = {title: [] for title in titles}
    for path, operations in sorted(description["paths"].items()):
        for method in _METHODS:
            if method in operations:
                one = operations[method]
                shown = _operation(method, path, one, schemas, address, with_token=bool(schemes))
                found[one["tags"][0]].append(shown)
    return Reference(
        [Group(title, shown) for title, shown in found.items() if shown],
        _objects(schemas),
        {name: _credential(scheme) for name, scheme in schemes.items()},
    )


def _operation(
    method: str,
    path: str,
    described: Mapping[str, Any],
    schemas: Mapping[str, Any],
    address: str,
    *,
    with_token: bool,
) -> Operation:
    content = described.get("requestBody", {}).get("content", {}).get(_JSON, {})
    answers = [_answer(int(status), one, schemas) for status, one in sorted(described["responses"].items())]
    return Operation(
        anchor=re.sub(r"[^a-z0-9]+", "-", f"{method} {path.lower()}").strip("-"),
        method=method.upper(),
        path=path,
        text=_in_words(f"{described.get('summary', '')} {described.get('description', '')}"),
        parameters=[_parameter(one, schemas) for one in described["parameters"]],
        body=list(_fields(_resolved(content.get("schema", {}), schemas), schemas)),
        answers=[one for one in answers if one.status < _FIRST_ERROR],
        errors=[one for one in answers if one.status >= _FIRST_ERROR],
        curl=curl(method.upper(), address + path, content.get("example"), with_token=with_token),
    )


def _parameter(described: Mapping[str, Any], schemas: Mapping[str, Any]) -> Parameter:
    schema = described["schema"]
    return Parameter(
        described["name"],
        described["in"],
        in_words(schema, schemas),
        None,
        described.get("required", False),
        _default(schema),
        _in_words(described.get("description") or schema.get("description", "")),
    )


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Parameter]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield Parameter(
            name,
            "",
            in_words(one, schemas),
            object_of(one, schemas),
            name in required,
            _default(one),
            _in_words(one.get("description", "")),
        )


def _default(schema: Mapping[str, Any]) -> str | None:
    default = schema.get("default")
    return None if default is None else json.dumps(default)


def _answer(status: int, described: Mapping[str, Any], schemas: Mapping[str, Any]) -> Answer:
    content = described.get("content", {})
    one: Mapping[str, Any] = content.get(_JSON) or next(iter(content.values()), {})
    example = one.get("example")
    text = described.get("description", "")
    return Answer(
        status,
        HTTPStatus(status).phrase,
        "" if text == _NO_DESCRIPTION else _in_words(text),
        list(content),
        object_of(one.get("schema", {}), schemas),
        example if isinstance(example, str) else "" if example is None else json.dumps(example, indent=2),
    )


def _objects(schemas: Mapping[str, Any]) -> list[ObjectShown]:
    """Those with fields; several of one name are the same in several answers."""
    found = {short_name(name): one for name, one in schemas.items() if "properties" in one}
    return [
        ObjectShown(name, _in_words(one.get("description", "")), list(_fields(one, schemas)))
        for name, one in sorted(found.items())
    ]


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    return named(schema["$ref"], schemas) if "$ref" in schema else schema


def _credential(scheme: Mapping[str, Any]) -> str:
    how = f"{scheme.get('in', 'header')} {scheme['name']}" if "name" in scheme else scheme.get("scheme", "")
    return f"{how}: {_in_words(scheme.get('description', ''))}".strip(": ")


def _in_words(text: str) -> str:
    """In one line, without the marks of Markdown."""
    return " ".join(text.replace("`", "").split())

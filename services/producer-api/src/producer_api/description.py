"""What a route declares for the OpenAPI description: the problems it answers with, the headers it reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from apiflask import APIFlask
from flask import request

from producer_api import problems
from producer_api.access import Authenticator
from producer_api.addressing import path_of
from producer_api.examples import problem_example, put_examples
from producer_api.permissions import Permission, requires

PATH = "/api/v1/openapi.json"

_ALWAYS = (
    *("unauthenticated", "not-allowed", "unknown-host", "wrong-request", "wrong-encoding"),
    *("internal-error", "unavailable"),
)
_EXTENSION = "x-request-headers"


@dataclass(frozen=True)
class RequestHeader:
    """An optional request header. `pattern`: the regular expression that its value matches."""

    name: str
    description: str
    pattern: str


def problem_responses(*types: str) -> dict[int | str, Any]:
    """For `@routes.doc(responses=…)`: the problems a route answers with, besides those of every route.

    `types` are keys of `problems.TYPES`; KeyError for another. OpenAPI has one response for each status, so
    its description lists every type with that status.
    """
    statuses = {problems.TYPES[name][0] for name in (*types, *_ALWAYS)}
    return {status: _response(status) for status in sorted(statuses)}


def request_headers(*headers: RequestHeader) -> dict[str, Any]:
    """For `@routes.doc(extensions=…)`: the request headers that a route reads and checks itself.

    APIFlask's `input(location="headers")` would answer a wrong header with its own message, and would
    document `Last-Event-ID` as `Last-Event-Id`.
    """
    return {
        _EXTENSION: [
            {
                "name": header.name,
                "in": "header",
                "description": header.description,
                "schema": {"type": "string", "pattern": header.pattern},
            }
            for header in headers
        ]
    }


def register(app: APIFlask, authenticators: Sequence[Authenticator]) -> Callable[[], dict[str, Any]]:
    """Completes the description of `app` with what the routes' declarations refer to, and with the
    credentials that the `authenticators` know; without any, no client needs one. Returns what describes it
    for the current request: its server is the one that was asked, whatever its name is there."""

    @app.spec_processor
    def complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
        if isinstance(spec, str):  # YAML, which no route of ours serves
            return spec
        spec["components"]["schemas"]["Problem"] = problems.schema()
        for operations in spec["paths"].values():
            for operation in operations.values():
                _complete(operation)
        return spec

    @cache
    def described() -> dict[str, Any]:
        return cast(dict[str, Any], app.spec)

    def describe() -> dict[str, Any]:
        accepted = [schemes for one in authenticators if (schemes := one.schemes(request))]
        description = {**described(), "servers": [{"url": path_of("") or "/"}]}
        if not accepted:
            return description
        schemes = {name: scheme for together in accepted for name, scheme in together.items()}
        return {
            **description,
            "components": {**description["components"], "securitySchemes": schemes},
            "security": [{name: [] for name in together} for together in accepted],
        }

    @app.get(PATH)
    @app.doc(hide=True)
    @requires(Permission.NONE)
    def openapi() -> dict[str, Any]:
        return describe()

    return describe


def _complete(operation: dict[str, Any]) -> None:
    operation["parameters"].extend(operation.pop(_EXTENSION, ()))
    put_examples(operation)
    for parameter in operation["parameters"]:
        if parameter["schema"].get("type") == "array":
            parameter |= {"style": "form", "explode": False}  # with commas


def _response(status: int) -> dict[str, Any]:
    kinds = {kind: title for kind, (number, title) in problems.TYPES.items() if number == status}
    kind, title = next(iter(kinds.items()))
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "example": problem_example(kind, status, title),
    }
    return {"description": "; ".join(kinds.values()), "content": {problems.MEDIA_TYPE: content}}

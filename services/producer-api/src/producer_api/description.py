"""What a route declares for the OpenAPI description: the problems it answers with, the headers it reads."""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from apiflask import APIFlask

from producer_api import problems
from producer_api.addressing import path_of
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


def register(app: APIFlask, *, with_credentials: bool) -> None:
    """Completes the description of `app` with what the routes' declarations refer to. `with_credentials`:
    whether they need one."""

    @app.spec_processor
    def complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
        if isinstance(spec, str):  # YAML, which no route of ours serves
            return spec
        spec["components"]["schemas"]["Problem"] = problems.schema()
        if with_credentials:
            spec["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
            spec["security"] = [{"bearer": []}]
        for operations in spec["paths"].values():
            for operation in operations.values():
                operation["parameters"].extend(operation.pop(_EXTENSION, ()))
        return spec

    @cache
    def described() -> dict[str, Any]:
        return cast(dict[str, Any], app.spec)

    @app.get(PATH)
    @app.doc(hide=True)
    @requires(Permission.NONE)
    def openapi() -> dict[str, Any]:
        """The description; its server is the one that was asked, whatever its name is there."""
        return {**described(), "servers": [{"url": path_of("") or "/"}]}


def _response(status: int) -> dict[str, Any]:
    titles = [title for number, title in problems.TYPES.values() if number == status]
    return {
        "description": "; ".join(titles),
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }

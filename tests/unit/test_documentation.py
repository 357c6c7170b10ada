"""The page that documents the API needs nothing from elsewhere, and its description has examples that fit."""

import html
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from producer_api.app import create_app
from producer_api.documentation import reference_of
from tests.support.api_services import services_of

PAGE = "/api/v1/docs"
SMALL: dict[str, Any] = {
    "tags": [{"name": "Things"}, {"name": "None"}, {"name": "Things"}],
    "paths": {
        "/things/{id}:open": {
            "post": {
                "tags": ["Things"],
                "summary": "Opens `it`.",
                "description": "At\nonce.",
                "parameters": [
                    {
                        "name": "id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "format": "uuid"},
                    },
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 200},
                    },
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Opening"},
                            "example": {"sort": "it's"},
                        }
                    }
                },
                "responses": {
                    "404": {"description": "There is none"},
                    "200": {
                        "description": "Successful response",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Opening": {
                "type": "object",
                "properties": {
                    "names": {"type": "array", "minItems": 1, "items": {"type": "string", "maxLength": 50}},
                    "of": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/List.Thing"}]},
                    "sort": {"$ref": "#/components/schemas/Sort", "default": "up"},
                },
            },
            "Sort": {"type": "string", "enum": ["up", "down"]},
            "Thing": {"type": "object", "properties": {"name": {"type": "string"}}},
            "List.Thing": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
    },
}
FILES = "*/*"


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(services_of(tmp_path, path_prefix="/waybill")).test_client()


@pytest.fixture
def description(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


@pytest.mark.parametrize("prefix", ["", "/waybill"])
def test_the_page_has_all_that_it_names_below_its_own_address(client: FlaskClient, prefix: str) -> None:
    page = client.get(f"{prefix}{PAGE}")

    assert page.status_code == 200
    assert page.mimetype == "text/html"
    names = re.findall(r'(?:href|src)="([^"#]+)"', page.text)
    assert "/waybill/api/v1/openapi.json" in names
    assert "http://localhost/waybill/api/v1/reports" in page.text
    assert "http://localhost/api" not in page.text
    assert all(name.startswith("/waybill/") for name in names), names


def test_every_link_within_the_page_leads_to_a_place_on_it(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    anchors = re.findall(r'id="([^"]+)"', page)

    assert len(anchors) == len(set(anchors))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert len(links) > 50
    assert links <= set(anchors)


def test_the_page_may_load_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get(PAGE)
    policy = page.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert not re.search(r"unsafe|https?:|\*", policy)
    assert not re.search(r"<script(?! type=\"module\" src=)|<style|style=|\son\w+=", page.text)


def test_the_page_has_every_operation_with_its_fields_and_errors(
    client: FlaskClient, description: dict[str, Any]
) -> None:
    page = html.unescape(client.get(PAGE).text)

    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert f"{method.upper()}</span> <code>{path}</code>" in page
            for parameter in operation["parameters"]:
                assert f"<code>{parameter['name']}</code>" in page
            for status, answer in operation["responses"].items():
                assert answer["description"] in page or status.startswith("2"), (path, method, status)


def test_a_reference_says_types_bounds_defaults_and_credentials() -> None:
    shown = reference_of(SMALL, "https://reports.example")

    (group,) = shown.groups
    (one,) = group.operations
    assert (one.anchor, one.text) == ("post-things-id-open", "Opens it. At once.")
    assert [(each.name, each.where, each.type, each.required) for each in one.parameters] == [
        ("id", "path", "UUID", True),
        ("limit", "query", "whole number, 1 to 200", False),
    ]
    assert [(each.name, each.type, each.leads_to, each.default) for each in one.body] == [
        ("names", "list of text, at most 50 characters, at least 1 items", None, None),
        ("of", "Thing, or null", "Thing", None),
        ("sort", "one of up, down", None, '"up"'),
    ]
    assert [(each.status, each.leads_to) for each in one.answers] == [(200, "Thing")]
    assert [each.status for each in one.errors] == [404]
    assert shown.credentials == {"key": "bearer: An API key."}
    assert shlex.split(one.curl)[:5] == [
        *("curl", "--fail-with-body", "-X", "POST", "https://reports.example/things/{id}:open")
    ]
    assert shlex.split(one.curl)[-1] == '{"sort": "it\'s"}'
    assert [each.name for each in shown.objects] == ["Opening", "Thing"]


def test_every_operation_has_examples(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            bodies = {"request": operation.get("requestBody"), **operation["responses"]}
            for status, body in bodies.items():
                for media_type, content in ((body or {}).get("content") or {}).items():
                    if media_type != FILES:
                        assert "example" in content, (method, path, status, media_type)


def test_every_example_fits_its_schema(description: dict[str, Any]) -> None:
    checked = 0
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                for content in body.get("content", {}).values():
                    if "example" in content:
                        schema = {**content["schema"], "components": description["components"]}
                        errors = list(Draft202012Validator(schema).iter_errors(content["example"]))
                        assert not errors, (method, path, [str(error) for error in errors])
                        checked += 1
    assert checked > 50


def test_the_description_stays_where_it_is(client: FlaskClient) -> None:
    assert client.get("/openapi.json").status_code == 404

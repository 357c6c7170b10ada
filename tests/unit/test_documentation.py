"""The page that documents the API needs nothing from elsewhere, and its description has examples that fit."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from producer_api.app import create_app
from tests.support.api_services import services_of

PAGE = "/api/v1/docs"
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
    names = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert {"docs/swagger-ui-bundle.js", "docs/start.js", "openapi.json"} <= set(names)
    for name in names:
        assert client.get(f"{prefix}/api/v1/{name}").status_code == 200, name


def test_the_page_may_load_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get(PAGE)
    policy = page.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert not re.search(r"unsafe|https?:|\*", policy)
    assert not re.search(r"<script(?! src=)|<style|style=|\son\w+=|//", page.text)
    assert "validatorUrl: null" in client.get(f"{PAGE}/start.js").text


def test_its_parts_are_compressed_and_not_sent_twice(client: FlaskClient) -> None:
    name = f"{PAGE}/swagger-ui-bundle.js"
    plain, small = client.get(name), client.get(name, headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) < len(plain.data) / 2
    for answer, sent in ((plain, {}), (small, {"Accept-Encoding": "gzip"})):
        headers = {"If-None-Match": answer.headers["ETag"], **sent}
        assert client.get(name, headers=headers).status_code == 304


@pytest.mark.parametrize(
    "name", ["", "x", "swagger-ui.js", "..%2Fapp.py", "__init__.py", "index.template.html"]
)
def test_there_is_no_other_part(client: FlaskClient, name: str) -> None:
    assert client.get(f"{PAGE}/{name}").status_code == 404


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

"""The OpenAPI description names the credentials that WAYBILL_AUTH accepts, and no others."""

from pathlib import Path
from typing import Any

import pytest

from producer_api.app import create_app
from tests.support.api_services import services_of

OIDC = {"oidc_issuers": "https://login.example.com,https://partners.example.com", "oidc_audience": "waybill"}
NEEDED: dict[str, dict[str, Any]] = {
    "none": {},
    "key": {},
    "oidc": {**OIDC, "oidc_owner_claim": "email"},
    "proxy": {"trusted_proxies": "10.0.0.0/8", "proxy_user_header": "X-User"},
}
SESSION = {"oidc_client_id": "waybill", "session_secret": "s" * 32}
PATH = "/api/v1/openapi.json"


def described(folder: Path, base: str = "https://reports.example.com", **settings: Any) -> dict[str, Any]:
    app = create_app(services_of(folder, allowed_hosts="*", **settings))
    answer: dict[str, Any] = app.test_client().get(PATH, base_url=base).get_json()
    return answer


def of_auth(folder: Path, *accepted: str, **settings: Any) -> dict[str, Any]:
    needed = {name: value for sort in accepted for name, value in NEEDED[sort].items()}
    return described(folder, auth=",".join(accepted), **{**needed, **settings})


def schemes(description: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Without what is there for people."""
    found = description["components"]["securitySchemes"]
    assert all(scheme["description"] for scheme in found.values())
    return {
        name: {key: scheme[key] for key in scheme if key != "description"} for name, scheme in found.items()
    }


KEY = {"type": "http", "scheme": "bearer", "bearerFormat": "wb_<id>_<secret>"}
TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def header(name: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": name}


def cookie(name: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "cookie", "name": name}


def test_without_credentials_there_is_none(tmp_path: Path) -> None:
    description = of_auth(tmp_path, "none")

    assert "securitySchemes" not in description["components"]
    assert "security" not in description


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (("key",), {"key": KEY}),
        (("oidc",), {"oidc": TOKEN}),
        (("proxy",), {"proxy": header("X-User")}),
        (("key", "oidc", "proxy"), {"key": KEY, "oidc": TOKEN, "proxy": header("X-User")}),
    ],
    ids=lambda value: "+".join(value),
)
def test_each_that_is_accepted_is_one_way_of_several(
    tmp_path: Path, accepted: tuple[str, ...], expected: dict[str, dict[str, str]]
) -> None:
    description = of_auth(tmp_path, *accepted)

    assert schemes(description) == expected
    assert description["security"] == [{name: []} for name in accepted]
    assert "schemas" in description["components"]


def test_no_operation_has_its_own(tmp_path: Path) -> None:
    operations = [
        operation for path in of_auth(tmp_path, "key")["paths"].values() for operation in path.values()
    ]

    assert operations
    assert [operation for operation in operations if "security" in operation] == []


def test_a_tenant_that_the_proxy_sends_belongs_to_its_user(tmp_path: Path) -> None:
    description = of_auth(tmp_path, "proxy", proxy_tenant_header="X-Tenant", proxy_roles_header="X-Roles")

    assert schemes(description) == {"proxy": header("X-User"), "proxy-tenant": header("X-Tenant")}
    assert description["security"] == [{"proxy": [], "proxy-tenant": []}]


def test_the_token_is_of_the_issuers(tmp_path: Path) -> None:
    (scheme,) = of_auth(tmp_path, "oidc")["components"]["securitySchemes"].values()

    assert (
        scheme["description"] == "An access token of https://login.example.com, https://partners.example.com."
    )


@pytest.mark.parametrize(
    ("base", "more", "name"),
    [
        ("https://reports.example.com", {}, "__Host-waybill"),
        ("https://reports.example.com/waybill", {"path_prefix": "/waybill"}, "__Secure-waybill"),
        ("http://localhost:8080", {"listen": "127.0.0.1:8080"}, "waybill"),
    ],
    ids=["https", "below a path", "this machine"],
)
def test_a_browsers_session_is_the_cookie_of_this_address(
    tmp_path: Path, base: str, more: dict[str, str], name: str
) -> None:
    description = of_auth(tmp_path, "oidc", base=base, **SESSION, **more)

    assert schemes(description) == {"oidc": TOKEN, "session": cookie(name)}
    assert description["security"] == [{"oidc": []}, {"session": []}]


def test_where_no_session_can_be_there_is_none(tmp_path: Path) -> None:
    description = of_auth(tmp_path, "oidc", base="http://reports.example.com", **SESSION)

    assert list(schemes(description)) == ["oidc"]


def test_one_process_describes_both_of_its_addresses(tmp_path: Path) -> None:
    settings = {"auth": "oidc", "listen": "127.0.0.1:8080", "allowed_hosts": "*", **NEEDED["oidc"], **SESSION}
    client = create_app(services_of(tmp_path, **settings)).test_client()

    names = [
        client.get(PATH, base_url=base).get_json()["components"]["securitySchemes"]["session"]["name"]
        for base in ("https://reports.example.com", "http://localhost:8080", "https://reports.example.com")
    ]

    assert names == ["__Host-waybill", "waybill", "__Host-waybill"]

"""The settings of tokens as credentials."""

from datetime import timedelta

import pytest

from producer_api.access.claims import ClaimsPolicy
from producer_api.access.oidc import ALGORITHMS, OidcAuthenticator, OidcPolicy
from producer_api.services import build_services
from producer_api.settings import ApiSettings, Auth
from tests.support import api_services
from tests.support.api_services import set_alone
from waybill.domain import Role
from waybill.settings import WrongSettings, load

GOOD = {
    **api_services.GOOD,
    "WAYBILL_AUTH": "oidc",
    "WAYBILL_OIDC_ISSUERS": "https://login.example.com/realms/a",
    "WAYBILL_OIDC_AUDIENCE": "waybill",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_alone(monkeypatch, GOOD)


def wrong(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=f"  {name}: ") as caught:
        load(ApiSettings)
    return str(caught.value)


def test_issuer_and_audience_are_enough() -> None:
    settings = load(ApiSettings)

    assert settings.accepted == {Auth.OIDC}
    assert settings.oidc == OidcPolicy(("https://login.example.com/realms/a",), ("waybill",))
    assert [type(one) for one in build_services(settings).authenticators] == [OidcAuthenticator]


@pytest.mark.parametrize("name", ["WAYBILL_OIDC_ISSUERS", "WAYBILL_OIDC_AUDIENCE"])
@pytest.mark.parametrize("value", ["", " , "])
def test_neither_may_be_missing(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(WrongSettings, match=f"  WAYBILL_AUTH: oidc needs .*{name}"):
        load(ApiSettings)


def test_without_oidc_neither_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_AUTH", "key")
    monkeypatch.delenv("WAYBILL_OIDC_ISSUERS")
    monkeypatch.delenv("WAYBILL_OIDC_AUDIENCE")

    assert load(ApiSettings).accepted == {Auth.KEY}


def test_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ISSUERS": "https://a.example.com/, http://localhost:9400,http://127.0.0.1:1/b , http://[::1]:2",
        "AUDIENCE": "waybill, https://waybill.example.com",
        "ALGORITHMS": ",".join(ALGORITHMS),
        "OWNER_CLAIM": "email",
        "TENANT_CLAIM": "org.id",
        "ROLES_CLAIM": "realm_access.roles",
        "ROLES": "Report Admins=operator, Report Admins = auditor, a=b=admin",
        "DEFAULT_ROLES": "requester, auditor",
        "CLOCK_SKEW_SECONDS": "5",
    }.items():
        monkeypatch.setenv(f"WAYBILL_OIDC_{name}", value)

    assert load(ApiSettings).oidc == OidcPolicy(
        issuers=("https://a.example.com/", "http://localhost:9400", "http://127.0.0.1:1/b", "http://[::1]:2"),
        audiences=("waybill", "https://waybill.example.com"),
        algorithms=ALGORITHMS,
        claims=ClaimsPolicy(
            owner="email",
            tenant="org.id",
            roles="realm_access.roles",
            mapping={
                "Report Admins": frozenset({Role.OPERATOR, Role.AUDITOR}),
                "a=b": frozenset({Role.ADMIN}),
            },
            default_roles=frozenset({Role.REQUESTER, Role.AUDITOR}),
        ),
        clock_skew=timedelta(seconds=5),
    )


def test_no_role_may_be_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_OIDC_DEFAULT_ROLES", "none")

    assert load(ApiSettings).oidc.claims.default_roles == set()


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://login.example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://127.0.0.1.nip.io",
        ),
        *(
            "login.example.com",
            "https://",
            "https:/login",
            "//login.example.com",
            "ftp://localhost",
            "http://[::1",
        ),
        *(
            "https://login.example.com?a=b",
            "https://login.example.com#a",
            "https://user:hush@login.example.com",
        ),
        "https://login.example.com, http://login.example.com",
    ],
)
def test_an_issuer_is_https_unless_it_is_on_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = wrong(monkeypatch, "WAYBILL_OIDC_ISSUERS", url)

    assert "https" in message
    assert "hush" not in message


@pytest.mark.parametrize(
    "algorithms", ["none", "HS256", "RS256,HS512", "rs256", "ES256K", "EdDSA", "dir", ","]
)
def test_algorithms_are_those_of_public_keys(algorithms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(monkeypatch, "WAYBILL_OIDC_ALGORITHMS", algorithms)


@pytest.mark.parametrize(
    "mapping", ["admins", "admins=", "=admin", "admins=root", "a=admin,b", "admins=ADMIN"]
)
def test_a_mapping_ends_at_our_roles(mapping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(monkeypatch, "WAYBILL_OIDC_ROLES", mapping)


@pytest.mark.parametrize("roles", ["root", "requester,root", "none,requester", "REQUESTER"])
def test_default_roles_are_ours(roles: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(monkeypatch, "WAYBILL_OIDC_DEFAULT_ROLES", roles)


@pytest.mark.parametrize("seconds", ["-1", "601", "nan", "1.5", "long"])
def test_the_skew_has_limits(seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(monkeypatch, "WAYBILL_OIDC_CLOCK_SKEW_SECONDS", seconds)


def test_with_several_issuers_the_owner_is_chosen_knowingly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a user of the second could call themselves by the name of one of the first."""
    monkeypatch.setenv("WAYBILL_OIDC_ISSUERS", "https://a.example.com,https://b.example.com")

    with pytest.raises(WrongSettings, match="  WAYBILL_OIDC_OWNER_CLAIM: with several issuers"):
        load(ApiSettings)

    monkeypatch.setenv("WAYBILL_OIDC_OWNER_CLAIM", "sub")
    assert load(ApiSettings).oidc.claims.owner == "sub"

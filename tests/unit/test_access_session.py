"""Browsers sign in at issuers that really answer on loopback, and what their sessions are good for."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from werkzeug.test import TestResponse

from producer_api.access.oidc import OidcAuthenticator
from producer_api.access.session import SessionAuthenticator
from producer_api.access.sign_in import SignIn
from producer_api.app import create_app
from producer_api.permissions import Permission, requires
from producer_api.services import Services, build_services
from producer_api.settings import ApiSettings
from tests.support.api_services import services_of
from tests.support.issuer import AUDIENCE, Issuer, issuing, new_key
from tests.unit.test_access_oidc import provider
from waybill.settings import load

HOST = "https://waybill.test"
CLIENT, CLIENT_SECRET = "the pages", "hush: hush/+hush"
SECRET, OLD_SECRET = "s" * 32, "o" * 40
REPORT = "/api/v1/reports/019ab000-0000-7000-8000-000000000000"


class Clock:
    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.time() + self.passed


class Browser:
    """Goes where it is sent, with its cookies: here and to the issuer."""

    def __init__(self, app: Flask, host: str = HOST) -> None:
        self.client: FlaskClient = app.test_client()
        self.host = host

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, base_url=self.host, headers=named)

    def to_issuer(self, path: str = "/login", **headers: str) -> str:
        """The address there to which it is sent."""
        answer = self.get(path, **headers)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def sign_in(self, path: str = "/login", **headers: str) -> TestResponse:
        """The answer to its callback."""
        return self.get(at_issuer(self.to_issuer(path, **headers)), **headers)

    @property
    def cookies(self) -> dict[str, str]:
        # werkzeug shows a cookie only to who names it, and has no list of them
        return {cookie.key: cookie.value for cookie in (self.client._cookies or {}).values()}

    def set(self, name: str, value: str) -> None:
        self.client.set_cookie(name, value, domain=urlsplit(self.host).hostname or "")


def at_issuer(address: str) -> str:
    """What of ours the issuer sends the browser back to."""
    answer = httpx.get(address, trust_env=False)
    assert answer.status_code == 303
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        issuer.clients = {CLIENT: CLIENT_SECRET, "another": "secret"}
        yield issuer


Make = Callable[..., Flask]


@pytest.fixture
def make(tmp_path: Path, issuer: Issuer, clock: Clock) -> Make:
    return lambda **more: application(tmp_path, issuer, clock, **more)


def application(folder: Path, issuer: Issuer, clock: Clock, **more: Any) -> Flask:
    made = load(
        ApiSettings,
        **{
            "database_url": "postgresql://hush:hush@127.0.0.1:1/hush?connect_timeout=1",
            "kafka_bootstrap_servers": "127.0.0.1:1",
            "artefact_url": folder.as_uri(),
            "auth": "oidc",
            "oidc_issuers": issuer.url,
            "oidc_audience": AUDIENCE,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": CLIENT_SECRET,
            "session_secret": SECRET,
            **more,
        },
    )
    services = build_services(made)
    tell_time(services, clock)
    app = create_app(services)

    @app.route("/who", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @requires(Permission.REQUEST)
    def who() -> dict[str, Any]:
        identity = g.identity
        return {"owner": vars(identity.owner), "roles": sorted(identity.roles), "by": identity.credential}

    app.extensions["services"] = services
    return app


def tell_time(services: Services, clock: Clock) -> None:
    """The clock of those parts that look at one, which nothing but a test changes."""
    browsers = services.browsers
    if browsers is not None:
        browsers.sign_in._clock = browsers.sessions._clock = clock


@pytest.fixture
def browser(make: Make) -> Browser:
    return Browser(make())


@pytest.fixture
def alice(browser: Browser) -> Browser:
    """Signed in."""
    answer = browser.sign_in()
    assert answer.status_code == 303, answer.text
    return browser


def failed(answer: TestResponse, kind: str = "sign-in-failed", status: int = 400) -> str:
    """What is said of it."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json()
    assert problem["type"].endswith(f"/problems/{kind}")
    assert "hush" not in answer.text
    detail: str = problem["detail"]
    return detail


def no_session(browser: Browser) -> bool:
    return browser.get("/who").status_code == 401


class TestSigningIn:
    def test_ends_where_it_began_with_a_session(self, browser: Browser, issuer: Issuer) -> None:
        assert no_session(browser)

        answer = browser.sign_in("/login?next=/api/v1/kinds%3Fa%3Db%26c")

        assert (answer.status_code, answer.headers["Location"]) == (303, "/api/v1/kinds?a=b&c")
        assert browser.get("/who").get_json() == {
            "owner": {"tenant": "default", "name": "alice"},
            "roles": ["requester"],
            "by": f"session {issuer.url}",
        }
        assert list(browser.cookies) == ["__Host-waybill"], "that of the attempt is gone"

    def test_tells_the_issuer_what_it_must_know_and_no_more(self, browser: Browser) -> None:
        query = dict(httpx.URL(browser.to_issuer()).params)

        assert query.pop("from") == "issuer", "what the address of the issuer has is kept"
        unguessable = [query.pop(name) for name in ("state", "nonce", "code_challenge")]
        assert min(map(len, unguessable)) >= 43
        assert len({*unguessable, dict(httpx.URL(browser.to_issuer()).params)["state"]}) == 4
        assert query == {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": f"{HOST}/login/callback",
            "scope": "openid profile email",
            "code_challenge_method": "S256",
        }

    def test_sets_cookies_that_scripts_and_other_sites_do_not_get(self, browser: Browser) -> None:
        begun = browser.get("/login")
        answer = browser.get(at_issuer(begun.headers["Location"]))

        session = next(one for one in answer.headers.getlist("Set-Cookie") if "__Host-waybill=" in one)
        attempt = begun.headers["Set-Cookie"]
        assert set(session.split("; ")[1:]) >= {
            "Secure",
            "HttpOnly",
            "Path=/",
            "SameSite=Lax",
            "Max-Age=28800",
        }
        assert set(attempt.split("; ")[1:]) >= {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"}
        assert "Domain" not in session + attempt
        assert {begun.headers["Cache-Control"], answer.headers["Cache-Control"]} == {"no-store"}

    def test_maps_claims_as_for_bearer_tokens(self, make: Make, issuer: Issuer) -> None:
        issuer.id_claims = {"org": "acme", "email": "al@example.org", "groups": ["admins", "x"]}
        browser = Browser(
            make(
                oidc_owner_claim="email",
                oidc_tenant_claim="org",
                oidc_roles_claim="groups",
                oidc_roles="admins=operator",
            )
        )
        assert browser.sign_in().status_code == 303

        who = browser.get("/who").get_json()

        assert who["owner"] == {"tenant": "acme", "name": "al@example.org"}
        assert who["roles"] == ["operator"]

    @pytest.mark.parametrize("ways", [["client_secret_post"], ["client_secret_post", "client_secret_basic"]])
    def test_says_the_secret_as_the_issuer_wants_it(
        self, browser: Browser, issuer: Issuer, ways: list[str]
    ) -> None:
        issuer.extra["token_endpoint_auth_methods_supported"] = ways

        assert browser.sign_in().status_code == 303

    def test_needs_no_secret_where_the_client_is_public(self, make: Make, issuer: Issuer) -> None:
        issuer.clients["public"] = ""

        assert Browser(make(oidc_client_id="public", oidc_client_secret="")).sign_in().status_code == 303

    def test_works_at_the_issuer_that_is_named(self, make: Make, issuer: Issuer) -> None:
        with issuing("/realms/b") as other:
            other.clients = {CLIENT: CLIENT_SECRET}
            browser = Browser(make(oidc_issuers=f"{issuer.url},{other.url}", oidc_owner_claim="sub"))

            for chosen, path in ((issuer, "/login"), (other, f"/login?issuer={other.url}")):
                assert browser.sign_in(path).status_code == 303
                assert browser.get("/who").get_json()["by"] == f"session {chosen.url}"
            answer = browser.get("/login?issuer=https://evil.example")
            assert "issuer: is none of those" in failed(answer, "wrong-request", 422)

    def test_works_with_a_provider_of_others(self, make: Make) -> None:
        with provider(groups=["reports"]) as url:
            browser = Browser(
                make(
                    oidc_issuers=url,
                    oidc_client_id="pages",  # it does not decode what RFC 6749 has encoded
                    oidc_client_secret="secret",
                    oidc_roles_claim="groups",
                    oidc_roles="reports=operator",
                )
            )
            answer = httpx.post(browser.to_issuer(), data={"sub": "alice"}, trust_env=False)
            back = urlsplit(answer.headers["Location"])

            assert browser.get(f"{back.path}?{back.query}").status_code == 303

        assert browser.get("/who").get_json()["roles"] == ["operator"], "also while it is away"

    def test_asks_the_issuer_for_its_addresses_once(self, browser: Browser, issuer: Issuer) -> None:
        for _ in range(3):
            assert browser.sign_in().status_code == 303

        assert issuer.asked == 1

    def test_is_in_no_description(self, browser: Browser) -> None:
        assert not [
            path
            for path in browser.get("/api/v1/openapi.json").get_json()["paths"]
            if "login" in path or "logout" in path
        ]

    def test_is_not_there_where_no_client_id_is_set(self, make: Make) -> None:
        browser = Browser(make(oidc_client_id="", session_secret=""))

        for method, path in (
            ("GET", "/login"),
            ("GET", "/login/callback"),
            ("POST", "/logout"),
            ("GET", "/signed-out"),
        ):
            assert "WAYBILL_OIDC_CLIENT_ID" in failed(browser.ask(method, path), "not-found", 404)


class TestASignInThatFails:
    def test_a_callback_works_once(self, browser: Browser) -> None:
        back = at_issuer(browser.to_issuer())
        attempt = browser.cookies["__Host-waybill-login"]
        assert browser.get(back).status_code == 303
        browser.ask("POST", "/logout", Origin=HOST)

        assert "no cookie" in failed(browser.get(back))
        browser.set("__Host-waybill-login", attempt)
        assert "used once" in failed(browser.get(back))
        assert no_session(browser)

    def test_a_callback_works_in_its_browser_alone(self, browser: Browser) -> None:
        victim = Browser(browser.client.application)
        back = at_issuer(browser.to_issuer())

        assert "this browser has not begun one" in failed(victim.get(back))
        victim.to_issuer()
        assert "another attempt (state)" in failed(victim.get(back))
        assert no_session(victim)

    @pytest.mark.parametrize("state", ["", "&state=", "&state=x", "&state=%ED%A0%80", "&state=\u00e9"])
    def test_the_state_must_be_right(self, browser: Browser, state: str) -> None:
        back = at_issuer(browser.to_issuer())

        assert "(state)" in failed(browser.get(back.partition("&state=")[0] + state))
        assert browser.get(back).status_code == 303, "what others send does not end it"

    def test_the_issuer_may_refuse(self, browser: Browser) -> None:
        state = httpx.URL(browser.to_issuer()).params["state"]

        detail = failed(browser.get(f"/login/callback?error=access_denied&error_description=x&state={state}"))

        assert "the issuer refused it (access_denied)" in detail
        assert "Open /login" in detail
        assert "__Host-waybill-login" not in browser.cookies

    def test_what_the_issuer_says_is_not_repeated(self, browser: Browser) -> None:
        state = httpx.URL(browser.to_issuer()).params["state"]

        answer = browser.get(f"/login/callback?error=call+0800+evil&state={state}")

        assert "evil" not in failed(answer)

    def test_an_answer_without_a_code(self, browser: Browser) -> None:
        state = httpx.URL(browser.to_issuer()).params["state"]

        assert "has no code" in failed(browser.get(f"/login/callback?state={state}"))

    def test_it_may_take_ten_minutes(self, browser: Browser, clock: Clock) -> None:
        back = at_issuer(browser.to_issuer())
        clock.passed = 601

        assert "more than 10 minutes" in failed(browser.get(back))

    def test_the_code_of_another_client(self, make: Make, browser: Browser) -> None:
        other = Browser(make(oidc_client_id="another", oidc_client_secret="secret"))
        code = httpx.URL(at_issuer(other.to_issuer())).params["code"]
        state = httpx.URL(browser.to_issuer()).params["state"]

        assert "invalid_grant" in failed(browser.get(f"/login/callback?code={code}&state={state}"))

    def test_the_code_of_another_browser(self, browser: Browser) -> None:
        """Its verifier is another one."""
        thief = Browser(browser.client.application)
        code = httpx.URL(at_issuer(browser.to_issuer())).params["code"]
        state = httpx.URL(thief.to_issuer()).params["state"]

        assert "invalid_grant" in failed(thief.get(f"/login/callback?code={code}&state={state}"))
        assert no_session(thief)

    def test_a_client_that_the_issuer_does_not_know(self, make: Make) -> None:
        browser = Browser(make(oidc_client_secret="wrong"))

        assert "invalid_client" in failed(browser.sign_in())

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"nonce": "another"}, "(nonce)"),
            ({"nonce": None}, "(nonce)"),
            ({"nonce": 5}, "(nonce)"),
            ({"nonce": "\ud800"}, "(nonce)"),
            ({"aud": AUDIENCE}, "(aud)"),
            ({"aud": None}, "'aud'"),
            ({"aud": [CLIENT, "another"]}, "(azp)"),
            ({"azp": "another"}, "(azp)"),
            ({"iss": "https://evil.example"}, "issuer"),
            ({"exp": 1}, "expired"),
            ({"exp": None}, "'exp'"),
            ({"sub": None}, "'sub'"),
            ({"sub": "a\nb"}, "'sub'"),
            ({"alg": "RS512", "key": new_key("first", "RS512")}, "algorithm"),
            ({"key": new_key("first")}, "signature"),
            ({"header": {"typ": "at+jwt"}}, "(typ)"),
        ],
    )
    def test_the_id_token_is_checked(
        self, browser: Browser, issuer: Issuer, claims: dict[str, Any], reason: str
    ) -> None:
        issuer.id_claims = claims

        assert reason in failed(browser.sign_in())
        assert no_session(browser)

    def test_a_token_for_several_must_name_us(self, browser: Browser, issuer: Issuer) -> None:
        issuer.id_claims = {"aud": ["another", CLIENT], "azp": CLIENT}

        assert browser.sign_in().status_code == 303

    def test_another_issuers_id_token(self, make: Make, issuer: Issuer) -> None:
        """Though that one is accepted too."""
        with issuing() as other:
            browser = Browser(make(oidc_issuers=f"{issuer.url},{other.url}", oidc_owner_claim="sub"))
            issuer.id_claims = {"iss": other.url, "key": other.key}

            assert "another issuer's (iss)" in failed(browser.sign_in())

    def test_another_issuers_answer(self, browser: Browser) -> None:
        back = at_issuer(browser.to_issuer())

        assert "(iss)" in failed(browser.get(f"{back}&iss=https://evil.example"))

    def test_an_issuer_that_names_itself_must(self, browser: Browser, issuer: Issuer) -> None:
        issuer.extra["authorization_response_iss_parameter_supported"] = True

        assert "(iss)" in failed(browser.sign_in())
        back = at_issuer(browser.to_issuer())
        assert browser.get(f"{back}&iss={issuer.url}").status_code == 303

    def test_the_issuer_is_away_before(self, browser: Browser, issuer: Issuer) -> None:
        issuer.server.routes.clear()

        answer = browser.get("/login")

        assert "Try again" in failed(answer, "unavailable", 503)
        assert int(answer.headers["Retry-After"]) > 0

    @pytest.mark.parametrize("status", [302, 429, 500])
    def test_the_issuer_is_away_in_between(self, browser: Browser, issuer: Issuer, status: int) -> None:
        back = at_issuer(browser.to_issuer())
        issuer.server.routes["POST /token"] = lambda request: request.bytes(b"", "text/html", status)

        assert "Sign in again" in failed(browser.get(back), "unavailable", 503)
        assert no_session(browser)

    @pytest.mark.parametrize("answered", [{}, {"id_token": 5}, {"id_token": "a.b.c"}, {"id_token": "\ud800"}])
    def test_no_id_token(self, browser: Browser, issuer: Issuer, answered: dict[str, Any]) -> None:
        issuer.server.routes["POST /token"] = lambda request: request.json(answered)

        failed(browser.sign_in())

    @pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint"])
    @pytest.mark.parametrize(
        "address", [None, 5, "http://login.example.com/x", "javascript:alert(1)", "https://[::"]
    )
    def test_an_issuer_without_a_secure_address(
        self, browser: Browser, issuer: Issuer, endpoint: str, address: Any
    ) -> None:
        issuer.extra[endpoint] = address
        begun = browser.get("/login")

        answer = begun if endpoint.startswith("auth") else browser.get(at_issuer(begun.headers["Location"]))

        assert endpoint in failed(answer)

    def test_without_https_nobody_signs_in(self, make: Make) -> None:
        detail = failed(Browser(make(), "http://waybill.test").get("/login"))

        assert "over https" in detail
        assert "WAYBILL_TRUSTED_PROXIES" in detail


NOT_OURS = [
    *("//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"),
    *("/\n/evil.example", "/a\r\nSet-Cookie: a=b", "javascript:alert(1)", "evil.example", "", " /a", "/a b"),
    *("/../evil", "/a/%2e%2e/evil", "/a/..", "/.", "/..%5cevil", "/\u00e9", "/" + "a" * 1000, "?a", "#a"),
]


class TestWhereItGoesAfterwards:
    @pytest.mark.parametrize("then", [one for one in NOT_OURS if one])
    def test_never_elsewhere(self, browser: Browser, then: str) -> None:
        answer = browser.client.get("/login", base_url=HOST, query_string={"next": then})

        assert failed(answer, "wrong-request", 422).startswith("next: must be a path of this service")
        assert "Set-Cookie" not in answer.headers

    @pytest.mark.parametrize(
        "then", ["/", "/a", "/a//b", "/a?b=//c", "/a#b", "/a%20b", "/a:b", "/...", "/a%"]
    )
    def test_to_a_path_of_this_service(self, browser: Browser, then: str) -> None:
        path = "/login?" + str(httpx.QueryParams({"next": then}))

        assert browser.sign_in(path).headers["Location"] == then

    def test_otherwise_to_the_reports(self, browser: Browser) -> None:
        assert browser.sign_in().headers["Location"] == "/"


class TestASession:
    def test_ends_after_its_hours(self, alice: Browser, clock: Clock) -> None:
        clock.passed = 8 * 3600 - 5
        assert alice.get("/who").status_code == 200
        clock.passed = 8 * 3600 + 1
        assert no_session(alice)

    def test_ends_with_the_hours_of_now(self, make: Make, clock: Clock) -> None:
        browser, later = Browser(make()), Browser(make(session_hours=1))
        browser.sign_in()
        later.set("__Host-waybill", browser.cookies["__Host-waybill"])

        assert later.get("/who").status_code == 200
        clock.passed = 3601
        assert no_session(later)

    def test_is_valid_as_long_for_a_stream(self, alice: Browser, clock: Clock) -> None:
        sessions = alice.client.application.extensions["services"].browsers.sessions
        headers = {"Cookie": f"__Host-waybill={alice.cookies['__Host-waybill']}"}
        with alice.client.application.test_request_context("/", base_url=HOST, headers=headers) as context:
            identity = sessions.identify(context.request)

        assert identity.is_valid()
        clock.passed = 8 * 3600 + 1
        assert not identity.is_valid()

    def test_opens_the_event_stream(self, alice: Browser) -> None:
        stream = alice.get(f"{REPORT}/events", Sec_Fetch_Site="same-origin")

        assert (stream.status_code, stream.mimetype) == (200, "text/event-stream")
        assert Browser(alice.client.application).get(f"{REPORT}/events").status_code == 401

    def test_no_token_opens_anything_in_a_query(self, browser: Browser, issuer: Issuer) -> None:
        for name in ("access_token", "token", "__Host-waybill", "waybill", "session"):
            assert browser.get(f"{REPORT}/events?{name}={issuer.token()}").status_code == 401

    def test_is_good_in_every_process_that_has_the_secret(self, make: Make, alice: Browser) -> None:
        other = Browser(make())
        other.set("__Host-waybill", alice.cookies["__Host-waybill"])

        assert other.get("/who").status_code == 200

    def test_outlasts_a_secret_that_is_still_accepted(self, make: Make) -> None:
        old = Browser(make(session_secret=OLD_SECRET))
        old.sign_in()
        cookie = old.cookies["__Host-waybill"]
        both, new = Browser(make(session_secret=f"{SECRET}, {OLD_SECRET}")), Browser(make())
        for browser in (both, new):
            browser.set("__Host-waybill", cookie)

        assert both.get("/who").status_code == 200
        assert no_session(new)
        both.sign_in()
        new.set("__Host-waybill", both.cookies["__Host-waybill"])
        assert new.get("/who").status_code == 200, "the first secret signs"

    def test_ends_when_its_issuer_is_none_any_more(self, make: Make, alice: Browser) -> None:
        later = Browser(make(oidc_issuers="https://login.example.com"))
        later.set("__Host-waybill", alice.cookies["__Host-waybill"])

        assert no_session(later)

    def test_is_changed_by_nobody(self, alice: Browser) -> None:
        cookie = alice.cookies["__Host-waybill"]
        for position in range(len(cookie)):
            changed = "A" if cookie[position] != "A" else "B"
            # the last character of base64 has bits that mean nothing
            if position < len(cookie) - 1:
                alice.set("__Host-waybill", cookie[:position] + changed + cookie[position + 1 :])
                assert no_session(alice), position

    @pytest.mark.parametrize(
        "content",
        [
            *(None, 5, "alice", [], {}, {"iss": []}),
            {"iss": "x", "tenant": "default", "owner": "alice", "roles": ["admin"], "iat": 0, "exp": 2**60},
            {"iss": 0, "tenant": "default", "owner": "alice", "roles": ["king"], "iat": 0, "exp": 2**60},
            {"iss": 0, "tenant": "default", "owner": "a\nb", "roles": [], "iat": 2**60, "exp": 2**60},
            {"iss": 0, "tenant": "default", "owner": ["alice"], "roles": [], "iat": 2**60, "exp": 2**60},
            {"iss": 0, "tenant": "default", "owner": "alice", "roles": 5, "iat": 2**60, "exp": 2**60},
            {"iss": 0, "tenant": "default", "owner": "alice", "roles": [], "iat": "now", "exp": None},
            {"iss": 0, "tenant": "default", "owner": "alice", "roles": [], "iat": 1e400, "exp": 2**60},
        ],
    )
    def test_of_another_version_is_none(self, browser: Browser, issuer: Issuer, content: Any) -> None:
        if isinstance(content, dict) and content.get("iss") == 0:
            content = {**content, "iss": issuer.url}
        sessions = browser.client.application.extensions["services"].browsers.sessions
        serializer: URLSafeSerializer = sessions._cookie._serializer
        browser.set("__Host-waybill", serializer.dumps(content))

        assert no_session(browser)

    def test_the_cookie_of_an_attempt_is_none(self, browser: Browser) -> None:
        browser.to_issuer()
        attempt = browser.cookies["__Host-waybill-login"]
        sessions = browser.client.application.extensions["services"].browsers.sessions
        headers = {"Cookie": f"__Host-waybill={attempt}"}
        with browser.client.application.test_request_context("/", base_url=HOST, headers=headers) as context:
            assert sessions._cookie.read(context.request) is None, "whatever it holds"

    def test_is_sent_over_https_alone(self, alice: Browser) -> None:
        cookie = alice.cookies["__Host-waybill"]
        for host in ("http://waybill.test", "http://localhost"):
            for name in ("__Host-waybill", "__Secure-waybill", "waybill"):
                plain = Browser(alice.client.application, host)
                plain.set(name, cookie)
                assert no_session(plain)
        other = Browser(alice.client.application)
        other.set("waybill", cookie)
        assert no_session(other), "anybody in between can set that one"

    def test_can_be_tried_on_one_machine(self, make: Make) -> None:
        app = make(listen="127.0.0.1:8080")
        for host in ("http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"):
            browser = Browser(app, host)
            assert browser.to_issuer().count("redirect_uri=http%3A%2F%2F") == 1
            answer = browser.sign_in()
            assert answer.status_code == 303
            assert list(browser.cookies) == ["waybill"]
            assert "Secure" not in answer.headers["Set-Cookie"]
            assert browser.get("/who").status_code == 200
        assert "over https" in failed(Browser(app, "http://waybill.test").get("/login"))

    def test_ends_when_its_user_signs_out(self, alice: Browser) -> None:
        assert "fetch" in failed(alice.ask("POST", "/logout"), "cross-site", 403).lower()
        assert alice.get("/who").status_code == 200

        answer = alice.ask("POST", "/logout", Origin=HOST)

        assert answer.status_code == 204
        assert "__Host-waybill=;" in answer.headers["Set-Cookie"]
        assert "Secure" in answer.headers["Set-Cookie"]
        assert alice.cookies == {}
        assert no_session(alice)
        assert alice.ask("POST", "/logout").status_code == 204, "again"
        assert alice.get("/logout").status_code == 405

    def test_a_page_is_sent_to_one_that_needs_no_sign_in(self, alice: Browser) -> None:
        answer = alice.ask("POST", "/logout", Origin=HOST, Accept="text/html")

        assert (answer.status_code, answer.headers["Location"]) == (303, "/signed-out")
        assert alice.cookies == {}


OURS = [
    {"Origin": HOST},
    {"Sec_Fetch_Site": "same-origin"},
    {"Sec_Fetch_Site": "same-origin", "Origin": "null"},
    {"Origin": HOST.upper()},
]
OTHERS = [
    *({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Sec_Fetch_Site": ""}),
    *({"Origin": "http://waybill.test"}, {"Origin": f"{HOST}:8443"}, {"Origin": f"{HOST}.evil.example"}),
    *({"Sec_Fetch_Site": site} for site in ("cross-site", "same-site", "none", "x")),
    *({"Sec_Fetch_Site": "same-site", "Origin": HOST}, {"Origin": "https://[::"}, {"Referer": f"{HOST}/"}),
]


class TestOtherSites:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("headers", OTHERS)
    def test_change_nothing_by_a_session(self, alice: Browser, method: str, headers: dict[str, str]) -> None:
        failed(alice.ask(method, "/who", **headers), "cross-site", 403)

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("headers", OURS)
    def test_but_our_pages_do(self, alice: Browser, method: str, headers: dict[str, str]) -> None:
        assert alice.ask(method, "/who", **headers).status_code == 200

    @pytest.mark.parametrize("headers", OTHERS)
    def test_request_nothing_by_the_call_that_is_a_get(self, alice: Browser, headers: dict[str, str]) -> None:
        failed(alice.get("/api/report", **headers), "cross-site", 403)

    def test_which_our_pages_may_call(self, alice: Browser) -> None:
        failed(alice.get("/api/report", Origin=HOST), "unavailable", 503)

    def test_may_link_to_what_is_read(self, alice: Browser) -> None:
        assert alice.get("/who", Sec_Fetch_Site="cross-site").status_code == 200

    def test_a_token_needs_no_page(self, alice: Browser, issuer: Issuer) -> None:
        token = issuer.token(sub="bob")

        answer = alice.ask("POST", "/who", Authorization=f"Bearer {token}")

        assert answer.get_json()["owner"]["name"] == "bob", "it wins over the cookie"
        assert answer.get_json()["by"] == f"oidc {issuer.url}"

    @pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Basic YTpi", ""])
    def test_a_wrong_token_is_not_made_good_by_a_session(self, alice: Browser, header: str) -> None:
        assert alice.get("/who", Authorization=header).status_code == 401

    def test_a_wrong_cookie_is_none(self, browser: Browser) -> None:
        browser.set("__Host-waybill", "x")

        assert browser.ask("POST", "/who").status_code == 401


class TestPages:
    def test_without_a_session_one_is_sent_to_sign_in_and_comes_back(self, make: Make) -> None:
        browser = Browser(make(path_prefix="/r"))

        sent = browser.get("/r/kinds?a=1", Accept="text/html")
        assert sent.status_code == 303
        assert browser.sign_in(sent.headers["Location"]).headers["Location"] == "/r/kinds?a=1"

    def test_a_program_is_told_what_it_lacks(self, browser: Browser) -> None:
        answer = browser.get("/kinds")
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")

    def test_where_browsers_cannot_sign_in_the_page_says_so(self, tmp_path: Path) -> None:
        client = create_app(services_of(tmp_path, auth="key")).test_client()
        answer = client.get("/kinds", headers={"Accept": "text/html"})
        assert (answer.status_code, answer.mimetype) == (401, "text/html")
        assert "WAYBILL_OIDC_CLIENT_ID" in answer.text


class TestBelowAPrefix:
    @pytest.fixture
    def prefixed(self, make: Make) -> Browser:
        return Browser(make(path_prefix="/reports"))

    def test_cookies_and_redirects_stay_below_it(self, prefixed: Browser) -> None:
        begun = prefixed.get("/reports/login?next=/reports/who")
        address = begun.headers["Location"]
        answer = prefixed.get(at_issuer(address))

        assert httpx.URL(address).params["redirect_uri"] == f"{HOST}/reports/login/callback"
        assert answer.headers["Location"] == "/reports/who"
        assert prefixed.get("/reports/who").status_code == 200
        assert list(prefixed.cookies) == ["__Secure-waybill"]
        assert "Path=/reports;" in answer.headers["Set-Cookie"] + ";"
        assert prefixed.ask("POST", "/reports/logout", Origin=HOST).status_code == 204
        assert prefixed.cookies == {}

    def test_it_goes_to_the_pages_there(self, prefixed: Browser) -> None:
        assert prefixed.sign_in("/reports/login").headers["Location"] == "/reports/"

    @pytest.mark.parametrize(
        "then", ["/", "/other", "/reportsevil", "/reports/../x", "/reports%2f", "//reports"]
    )
    def test_and_never_to_the_neighbours(self, prefixed: Browser, then: str) -> None:
        answer = prefixed.client.get("/reports/login", base_url=HOST, query_string={"next": then})

        failed(answer, "wrong-request", 422)

    def test_a_proxy_that_ends_tls_says_so(self, make: Make) -> None:
        app = make(trusted_proxies="127.0.0.1", allowed_hosts="pages.example.com")
        browser = Browser(app, "http://pages.example.com")
        told = {"X_Forwarded_Proto": "https", "X_Forwarded_Prefix": "/r"}

        address = browser.to_issuer("/r/login", **told)
        answer = browser.get(at_issuer(address), **told)

        assert httpx.URL(address).params["redirect_uri"] == "https://pages.example.com/r/login/callback"
        assert "__Secure-waybill=" in answer.headers["Set-Cookie"]
        assert answer.headers["Location"] == "/r/"


class TestGarbage:
    """Neither an error of ours, nor a session, nor a way out of this service."""

    @pytest.fixture(scope="class")
    @staticmethod
    def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
        with issuing() as issuer:
            issuer.clients = {CLIENT: CLIENT_SECRET}
            yield application(tmp_path_factory.mktemp("shared"), issuer, Clock())

    @given(then=st.text(max_size=60) | st.text("/\\.%2eE5cCf:?#@\t\n a", max_size=20).map("/{}".format))
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @example(then="/%")
    @example(then="/\ud800")
    def test_any_next(self, shared: Flask, then: str) -> None:
        query = str(httpx.QueryParams({"next": then.encode(errors="surrogatepass").decode("latin-1")}))
        answer = shared.test_client().get(f"/login?{query}", base_url=HOST)
        if answer.status_code != 303:
            failed(answer, "wrong-request", 422)
            return
        went = Browser(shared).sign_in(f"/login?{query}").headers["Location"]
        landed = httpx.URL(HOST).join(went)
        assert (landed.scheme, landed.host) == ("https", "waybill.test")
        assert not went.startswith(("//", "/\\"))

    @given(
        value=st.text(st.characters(codec="latin-1", exclude_characters="\0\r\n"), max_size=200)
        | st.lists(st.text("ab.-_=AZ09", max_size=20), max_size=4).map(".".join),
        name=st.sampled_from(["__Host-waybill", "__Host-waybill-login", "waybill"]),
    )
    @settings(deadline=None)
    @example(value=".eJw", name="__Host-waybill")
    @example(value="." * 4000, name="__Host-waybill")
    def test_any_cookie(self, shared: Flask, value: str, name: str) -> None:
        for method, path in (
            ("GET", "/who"),
            ("POST", "/who"),
            ("GET", "/login/callback"),
            ("POST", "/logout"),
        ):
            answer = shared.test_client().open(
                path, method=method, base_url=HOST, headers={"Cookie": f"{name}={value}"}
            )
            assert answer.status_code in (204, 400, 401, 403)
            assert answer.status_code == 204 or answer.mimetype == "application/problem+json"

    @given(
        query=st.dictionaries(st.sampled_from(["code", "state", "iss", "error", "x"]), st.text(max_size=50))
    )
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_any_answer(self, shared: Flask, query: dict[str, str]) -> None:
        browser = Browser(shared)
        state = httpx.URL(browser.to_issuer()).params["state"]
        for sent in (query, {**query, "state": state}):
            encoded = {name: value.encode(errors="replace").decode() for name, value in sent.items()}
            answer = browser.client.get("/login/callback", base_url=HOST, query_string=encoded)
            failed(answer)


class TestSettings:
    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ({"session_secret": ""}, "WAYBILL_SESSION_SECRET"),
            ({"session_secret": "hush" * 7}, "at least 32 characters"),
            ({"session_secret": f"{SECRET},hush"}, "at least 32 characters"),
            ({"session_secret": " , "}, "WAYBILL_SESSION_SECRET"),
            ({"auth": "key"}, "oidc in WAYBILL_AUTH"),
            ({"session_hours": 0}, "WAYBILL_SESSION_HOURS"),
            ({"session_hours": 721}, "WAYBILL_SESSION_HOURS"),
            ({"oidc_scopes": "profile"}, "must have openid"),
        ],
    )
    def test_that_cannot_be_are_said(self, make: Make, wrong: dict[str, Any], reason: str) -> None:
        with pytest.raises(Exception, match=reason) as caught:
            make(**wrong)
        assert "hush" not in str(caught.value)

    def test_do_not_show_secrets(self) -> None:
        shown = load(
            ApiSettings,
            database_url="postgresql://a@b/c",
            kafka_bootstrap_servers="a",
            artefact_url="b",
            session_secret="hush" * 8,
            oidc_client_secret="hush",
        )

        assert "hush" not in repr(shown) + str(shown) + json.dumps(shown.model_dump(), default=str)

    def test_browsers_are_asked_last(self, make: Make) -> None:
        services = make().extensions["services"]

        assert [type(one) for one in services.authenticators] == [OidcAuthenticator, SessionAuthenticator]
        assert isinstance(services.browsers.sign_in, SignIn)

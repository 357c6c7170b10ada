"""Who may call the API, under which name, and in which form: before any route, without a database."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse, create_environ, run_wsgi_app

from producer_api.app import create_app
from producer_api.permissions import Permission, requires
from producer_api.policies import SHORT_ANSWER_BYTES
from producer_api.resources import report_resource
from tests.support.api_services import services_of
from tests.unit.test_status_stream import REPORT
from waybill.settings import WrongSettings

Make = Callable[..., Flask]

KINDS = "/api/v1/kinds"
ARTICLE = "/api/report"
CHANGES = [
    ("GET", ARTICLE),
    ("POST", "/api/v1/reports"),
    pytest.param("POST", f"/api/v1/reports/{REPORT.id}:cancel", id="cancel"),
    pytest.param("POST", f"/api/v1/reports/{REPORT.id}:retry", id="retry"),
    ("POST", "/api/v1/dead-letters:redrive"),
]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def app(**settings: Any) -> Flask:
        return create_app(services_of(tmp_path, **settings))

    return app


@pytest.fixture
def client(make: Make) -> FlaskClient:
    return make().test_client()


def refused(response: TestResponse, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    body: dict[str, Any] = response.get_json()
    assert body["type"].endswith(f"/problems/{kind}")
    return body


class TestHosts:
    @pytest.mark.parametrize(
        "host",
        [
            *("localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3"),
            *("waybill-producer-api", "waybill-producer-api.waybill.svc", "LOCALHOST", "producer_api:8080"),
            *("api.waybill.svc.cluster.local", "reports.example.com", "a.example.org"),
        ],
    )
    def test_private_and_configured_names_are_answered(self, host: str, make: Make) -> None:
        client = make(allowed_hosts="reports.example.com, *.example.org").test_client()

        assert client.get(KINDS, headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            *("evil.example", "reports.example.com.evil.example", "example.org", "localhost.evil.example"),
            # names that Werkzeug dislikes, and a browser's resolver does not
            *("a_b.evil.example", "_x.evil.example", "a~b.evil.example", "evil.example:99999"),
            *(
                "",
                ":80",
                ".",
                "localhost:x",
                "localhost@evil.example",
                "evil.example@localhost",
                "[evil.example]",
            ),
        ],
    )
    def test_any_other_name_is_refused(self, host: str, make: Make) -> None:
        """A page under a name of its own may have let that name point here: DNS rebinding."""
        client = make(allowed_hosts="reports.example.com,*.example.org").test_client()

        body = refused(client.get(KINDS, headers={"Host": host}), 421, "unknown-host")
        assert "WAYBILL_ALLOWED_HOSTS" in body["detail"]

    @settings(deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(start=st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF)), port=st.text("0123456789:"))
    def test_nothing_makes_a_name_below_another_domain_allowed(
        self, start: str, port: str, client: FlaskClient
    ) -> None:
        environ = {"HTTP_HOST": f"{start}.evil.example{port}"}

        refused(client.get(KINDS, environ_overrides=environ), 421, "unknown-host")

    def test_a_proxys_name_is_judged_by_the_same_rule(self, make: Make) -> None:
        client = make(trusted_proxies="127.0.0.1").test_client()

        refused(client.get(KINDS, headers={"X-Forwarded-Host": "a_b.evil.example"}), 421, "unknown-host")
        assert client.get(KINDS, headers={"X-Forwarded-Host": "producer_api"}).status_code == 200

    def test_a_client_that_sends_no_name_is_answered(self, make: Make) -> None:
        """None that a browser is: HTTP/1.0."""
        app = make()
        environ = create_environ(KINDS)
        del environ["HTTP_HOST"]

        assert run_wsgi_app(app, environ)[1] == "200 OK"

    def test_a_star_allows_any(self, make: Make) -> None:
        client = make(allowed_hosts="*").test_client()

        assert client.get(KINDS, headers={"Host": "evil.example"}).status_code == 200

    def test_probes_are_answered_under_any_name(self, client: FlaskClient) -> None:
        assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 200


@pytest.mark.parametrize("path", ["/readyz", "/api/v1/reports"])
def test_no_answer_has_the_address_of_the_database(path: str, client: FlaskClient) -> None:
    answer = client.get(path)

    assert answer.status_code == 503
    assert "reached" in answer.text or "unavailable" in answer.text
    assert "hush" not in answer.text
    assert "127.0.0.1" not in answer.text


class TestOtherSites:
    @pytest.mark.parametrize(("method", "path"), CHANGES)
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "http://localhost:3000"},
            {"Origin": "null"},
            {"Origin": "http://["},
            {"Origin": "null", "Host": "producer_api:8080"},
        ],
    )
    def test_their_pages_change_nothing(
        self, method: str, path: str, headers: dict[str, str], client: FlaskClient
    ) -> None:
        refused(client.open(path, method=method, headers=headers), 403, "cross-site")

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
            {"Sec-Fetch-Site": "none"},
            {"Origin": "http://localhost"},
            {"Origin": "https://localhost"},
            {"Origin": "http://producer_api:8080", "Host": "producer_api:8080"},
        ],
        ids=["curl", "own page", "address bar", "old browser", "behind TLS", "a name with _"],
    )
    def test_other_clients_and_own_pages_are_let_in(
        self, headers: dict[str, str], client: FlaskClient
    ) -> None:
        """As far as the database, which is not there."""
        refused(client.get(ARTICLE, headers=headers), 503, "unavailable")

    def test_what_changes_nothing_may_be_linked_from_anywhere(self, client: FlaskClient) -> None:
        assert client.get(KINDS, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


class TestForm:
    @pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
    def test_a_compressed_body_is_refused(self, encoding: str, client: FlaskClient) -> None:
        response = client.post("/api/v1/reports", data=b"\x1f\x8b", headers={"Content-Encoding": encoding})

        refused(response, 415, "wrong-encoding")
        assert response.headers["Accept-Encoding"] == "identity"

    @pytest.mark.parametrize("path", ["/api/v1/reports", "/api/v1/dead-letters", KINDS])
    def test_a_repeated_parameter_is_named(self, path: str, client: FlaskClient) -> None:
        body = refused(client.get(f"{path}?limit=1&limit=2"), 422, "wrong-request")

        assert body["errors"] == [{"field": "limit", "message": "must be given once"}]

    @pytest.mark.parametrize(
        ("size", "status", "kind"), [(1024, 422, "unknown-kind"), (1025, 413, "body-too-large")]
    )
    def test_a_body_in_chunks_is_not_cut_at_the_limit(
        self, size: int, status: int, kind: str, make: Make
    ) -> None:
        body = b'{"kind": "none"}'.ljust(size)
        response = (
            make(max_body_bytes=1024)
            .test_client()
            .post(
                "/api/v1/reports",
                input_stream=BytesIO(body),
                content_type="application/json",
                environ_overrides={"wsgi.input_terminated": True},
                headers={"Transfer-Encoding": "chunked"},
            )
        )

        refused(response, status, kind)


def test_an_answer_that_a_slow_reader_could_hold_needs_a_place(make: Make) -> None:
    """As a stream or download does; a short one never."""
    app = make(http_threads=2)
    for size in (SHORT_ANSWER_BYTES, SHORT_ANSWER_BYTES + 1):
        app.add_url_rule(f"/{size}", str(size), requires(Permission.NONE)(lambda size=size: "x" * size))
    client = app.test_client()
    long, short = f"/{SHORT_ANSWER_BYTES + 1}", f"/{SHORT_ANSWER_BYTES}"

    with client.get(long) as first:
        assert first.status_code == 200
        assert refused(client.get(long), 503, "unavailable")["detail"].startswith("Too many downloads")
        assert client.get(short).status_code == 200
    assert client.get(long, buffered=True).status_code == 200
    assert client.get(long, buffered=True).status_code == 200


FORWARDED = {
    "X-Forwarded-Prefix": "/elsewhere",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "10.9.9.9",
    "Forwarded": "for=10.9.9.9;host=evil.example;proto=https",
    "Script-Name": "/script",
}


class TestProxies:
    def test_what_a_client_says_about_its_way_counts_for_nothing(self, client: FlaskClient) -> None:
        plain, forwarded = client.get("/nothing"), client.get("/nothing", headers=FORWARDED)

        assert forwarded.get_json()["type"] == plain.get_json()["type"] == "/problems/not-found"
        assert client.get(KINDS, headers=FORWARDED).status_code == 200

    def test_a_trusted_proxy_is_believed(self, make: Make) -> None:
        client = make(trusted_proxies="10.0.0.0/8,127.0.0.1").test_client()

        answer = client.get("/nothing", headers=FORWARDED)
        assert refused(answer, 421, "unknown-host")["type"] == "/elsewhere/problems/unknown-host"
        stranger = {"REMOTE_ADDR": "192.0.2.1"}
        other = client.get("/nothing", headers=FORWARDED, environ_overrides=stranger)
        assert refused(other, 404, "not-found")["type"] == "/problems/not-found"

    @pytest.mark.parametrize(
        ("trusted", "forwarded", "scheme"),
        [
            ("", {}, "https"),
            ("", {"X-Forwarded-Proto": "http"}, "https"),
            ("127.0.0.1", {}, "https"),
            ("127.0.0.1", {"X-Forwarded-Proto": "http"}, "http"),
        ],
    )
    def test_over_the_apis_own_tls_only_a_trusted_proxy_says_that_it_was_called_without(
        self, trusted: str, forwarded: dict[str, str], scheme: str, make: Make
    ) -> None:
        """A session's cookie depends on it."""
        app, seen = make(trusted_proxies=trusted), []

        @app.before_request
        def look() -> None:
            seen.append(request.scheme)

        app.test_client().get(KINDS, base_url="https://localhost", headers=forwarded)

        assert seen == [scheme]

    @pytest.mark.parametrize(
        ("sent", "scheme"),
        [
            ("https", "https"),
            ("http, https", "https"),
            ("javascript", "http"),
            ("https, <img src=x>", "http"),
            ("$(id)", "http"),
            ("https,", "http"),
            ('"<img src=x>, https', "https"),
        ],
    )
    def test_a_scheme_that_is_none_gets_into_no_link(self, sent: str, scheme: str, make: Make) -> None:
        app, seen = make(trusted_proxies="127.0.0.1"), []

        @app.before_request
        def look() -> None:
            seen.append(request.scheme)

        app.test_client().get(KINDS, headers={"X-Forwarded-Proto": sent})

        assert seen == [scheme]

    def test_of_several_proxies_the_nearest_counts(self, make: Make) -> None:
        client = make(trusted_proxies="127.0.0.1").test_client()

        answer = client.get("/nothing", headers={"X-Forwarded-Prefix": "/forged, /near"})

        assert answer.get_json()["type"] == "/near/problems/not-found"

    @pytest.mark.parametrize(
        "prefix", ["//evil.example", "/\\evil.example", "evil", "/a b", "/", "/..", "/a/../b", "/."]
    )
    def test_a_prefix_that_is_no_path_gets_into_no_link(self, prefix: str, make: Make) -> None:
        client = make(trusted_proxies="127.0.0.1").test_client()

        answer = client.get("/nothing", headers={"X-Forwarded-Prefix": prefix})

        assert answer.get_json()["type"] == "/problems/not-found"


class TestPathPrefix:
    @pytest.mark.parametrize("prefix", ["/waybill", "/api", "/api/v1", "/problems"])
    @pytest.mark.parametrize("before", ["", "{}"], ids=["removed", "passed on"])
    def test_it_may_be_removed_by_a_proxy_or_not(self, prefix: str, before: str, make: Make) -> None:
        """Also one that the API's own addresses begin with."""
        client = make(path_prefix=prefix).test_client()

        for path in (KINDS, "/problems/not-found"):
            assert client.get(before.format(prefix) + path).status_code == 200, path

    def test_every_link_has_it(self, make: Make) -> None:
        app = make(path_prefix="/waybill/")
        with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/waybill"}):
            links = report_resource(REPORT).links
        assert links.self == f"/waybill/api/v1/reports/{REPORT.id}"
        assert links.events == f"/waybill/api/v1/reports/{REPORT.id}/events"

        client = app.test_client()
        problem = client.get("/waybill/nothing").get_json()
        assert problem["type"] == "/waybill/problems/not-found"
        assert client.get(problem["type"]).get_json()["type"] == problem["type"]
        assert client.get("/waybill/api/v1/openapi.json").get_json()["servers"] == [{"url": "/waybill"}]

    def test_a_name_that_only_begins_like_it_is_another(self, make: Make) -> None:
        assert make(path_prefix="/waybill").test_client().get(f"/waybillx{KINDS}").status_code == 404

    def test_the_description_does_not_keep_the_name_of_its_first_reader(self, client: FlaskClient) -> None:
        """It is made once, and was made for whoever asked first."""
        client.get("/api/v1/openapi.json", headers={"Host": "first"})

        servers = client.get("/api/v1/openapi.json", headers={"Host": "second"}).get_json()["servers"]

        assert servers == [{"url": "/"}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path_prefix", "waybill"),
        ("path_prefix", "//evil"),
        ("path_prefix", "/.."),
        ("path_prefix", "/a/./b"),
        ("path_prefix", "/a//"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("trusted_proxies", "proxy"),
        ("allowed_hosts", "http://reports.example.com"),
        ("allowed_hosts", "reports.example.com:8080"),
        ("listen", "8080"),
        ("listen", "::1:8080"),
        ("health_listen", "localhost:http"),
        ("listen", "0.0.0.0:99999"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, make: Make) -> None:
    with pytest.raises(WrongSettings, match=f"WAYBILL_{name.upper()}"):
        make(**{name: value})


@pytest.mark.parametrize("address", ["[::]:8080", "[::1]:8080", "0.0.0.0:8080", "localhost:8080", ":8080"])
def test_an_address_may_be_of_either_version(address: str, make: Make) -> None:
    make(listen=address, health_listen=address)

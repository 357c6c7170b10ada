"""The API in this process, with credentials, and on a real database where its routes need one."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode, urljoin, urlsplit
from uuid import uuid4

from flask import Flask, Request
from sqlalchemy import Engine, text
from werkzeug.test import EnvironBuilder, run_wsgi_app

from producer_api.access.cookies import SignedCookie
from producer_api.access.sign_in import Attempt
from producer_api.app import create_app
from producer_api.problems import MEDIA_TYPE
from tests.fuzz.choices import Choices
from tests.fuzz.mutation import json_bytes, mutated_json, mutated_text, odd_text
from tests.fuzz.target import Check, Place
from tests.support.access import HERS, Access, Person, access
from tests.support.api_services import services_of
from tests.support.issuer import AUDIENCE, issuing
from tests.support.lifecycle_store import engine_of
from waybill.domain import Role, Secret

_REPORTS = "/api/v1/reports"
_HOST = "http://127.0.0.1:8080"
_BODY = {
    "kind": "dowork",
    "parameters": {"steps": 2, "failing_step": None, "max_step_ms": 0},
    "timeout_seconds": 60.5,
    "priority": 3,
}
_FLIGHTS = {"kind": "flights", "parameters": {"month": 7, "carrier": "B6", "airport": "JFK"}, "priority": 2}
_KEY_BODY = {
    **{"name": "the shop's", "owner": "bob", "tenant": "acme", "roles": ["requester"]},
    "expires_in_days": 30,
}
_TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_PAGES = (
    "/api/v1/reports?limit=1",
    "/",
    "/a/b#c",
    "//other.example/a",
    "/\\other.example",
    "https://a.example",
)
"""Where a browser may want to go after it has signed in: here, and elsewhere."""
_TABLES = ("reports", "idempotency_keys", "report_changes", "publications", "outbox", "dead_letters", "audit")
_STATE = ", ".join(
    (
        *(f"(SELECT count(*) FROM {table})" for table in _TABLES),  # noqa: S608 - ours
        "(SELECT sum(version) FROM reports)",
        "(SELECT count(*) FROM api_keys)",
        "(SELECT count(revoked_at) FROM api_keys)",
        "(SELECT md5(string_agg(secret_sha256::text, '' ORDER BY id)) FROM api_keys)",
    )
)
"""What a refused request must leave as it is."""
_EMPTIED_AFTER = 200


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """An API with credentials. `app` is called as a server calls it, with what a server lets through."""

    access: Access
    engine: Engine
    operator: Person
    admin: Person
    bob: Person
    app: Flask = field(init=False)
    asked: int = 0

    def __post_init__(self) -> None:
        application = self.access.client.application
        assert isinstance(application, Flask)
        self.app = application

    def ask(
        self,
        method: str,
        path: str,
        *,
        by: Person | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """`path` with its query, of any characters. Checks what is so of every answer, and that one which
        refuses has changed nothing."""
        self.asked += 1
        sent = {**(by.headers if by else {}), **(headers or {})}
        before = self.state() if method != "GET" else None
        answer = call(self.app, method, path, sent, body)
        if before and answer.status >= 400:
            assert self.state() == before, f"{answer.status}, and yet it changed something"
        return answer

    def state(self) -> tuple[Any, ...]:
        with self.engine.connect() as connection:
            return tuple(connection.execute(text(f"SELECT {_STATE}")).one())

    def keep_small(self) -> bool:
        """True where nothing but the keys is left."""
        if self.asked < _EMPTIED_AFTER:
            return False
        self.asked = 0
        with self.engine.begin() as connection:
            for table in ("reports", "publications", "outbox", "dead_letters", "audit"):
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - ours
            known = [person.token for person in (self.access.ann, self.operator, self.admin, self.bob)]
            ids = [secret.id for token in known if (secret := Secret.read(token))]
            connection.execute(text("DELETE FROM api_keys WHERE id != ALL(:ids)"), {"ids": ids})
        return True


@contextmanager
def _api(place: Place) -> Iterator[Api]:
    with access(place.database_url, place.folder) as opened, engine_of(place.database_url, 1) as engine:
        yield Api(
            opened,
            engine,
            operator=opened.person("otto", HERS, Role.OPERATOR),
            admin=opened.person("root", HERS, Role.ADMIN),
            bob=opened.person("bob", HERS, Role.REQUESTER),
        )


@contextmanager
def requests(place: Place) -> Iterator[Check]:
    """For a report: one that is accepted is kept as it was sent."""
    with _api(place) as api:
        kinds = api.access.services.kinds

        def check(choices: Choices) -> bool:
            api.keep_small()
            person, first = choices.one(((api.access.ann, 2), (api.operator, 1)))
            body = json_bytes(choices, mutated_json(choices, choices.one((_BODY, _FLIGHTS))))
            headers = {
                "Content-Type": choices.one(("application/json",) * 9 + (odd_text(choices),)),
                "traceparent": mutated_text(choices, _TRACEPARENT),
                "tracestate": mutated_text(choices, "vendor=1"),
            }
            answer = api.ask("POST", _REPORTS, by=person, headers=headers, body=body)
            if answer.status != 202:
                return False
            sent, shown = json.loads(body), answer.json()
            kind = kinds[sent["kind"]]
            assert kind.read_parameters(shown["parameters"]) == kind.read_parameters(
                sent.get("parameters", {})
            )
            assert shown["priority"] == sent.get("priority", 3) >= first
            assert (shown["owner"], shown["tenant"]) == (person.name, HERS)
            found = api.ask("GET", f"{_REPORTS}/{shown['id']}", by=person).json()
            assert found == {**shown, "estimate": None}
            return True

        yield check


@contextmanager
def idempotency_keys(place: Place) -> Iterator[Check]:
    """The same key and request are one report, of their owner alone; with another request it is refused."""
    with _api(place) as api:
        ann, bob = api.access.ann, api.bob

        def check(choices: Choices) -> bool:
            api.keep_small()
            unique = uuid4().hex
            key = mutated_text(choices, choices.one((unique, f'"{unique} a"', f'  "{unique}"  ')))
            if unique not in key:
                key += unique
            headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
            body = json.dumps(_BODY).encode()

            def request(by: Person, sent: bytes = body) -> Answer:
                return api.ask("POST", _REPORTS, by=by, headers=headers, body=sent)

            first, again = request(ann), request(ann)
            assert first.status == again.status
            if first.status != 202:
                assert first.status == 422
                return False
            assert first.json()["id"] == again.json()["id"]
            assert request(bob).json()["id"] != first.json()["id"]
            assert request(ann, b'{"kind": "dowork"}').status == 422
            return True

        yield check


@contextmanager
def cursors(place: Place) -> Iterator[Check]:
    """Of lists: pages follow each other without a row twice."""
    with _api(place) as api:
        for _ in range(5):
            api.access.failed(api.access.ann)
        lists = (
            (_REPORTS, "reports"),
            ("/api/v1/dead-letters", "dead_letters"),
            ("/api/v1/audit", "entries"),
        )
        known = {path: _page(api, f"{path}?limit=2")["next_cursor"] for path, _ in lists}

        def check(choices: Choices) -> bool:
            path, name = choices.one(lists)
            query = {"cursor": str(known[path]), "limit": "2"}
            query |= choices.one(
                ({}, {"status": "fail"}, {"kind": "dowork"}, {"reason": "x"}, {"actor": "ann"})
            )
            for _ in range(choices.some(2)):
                chosen = choices.one(tuple(query))
                query[chosen] = mutated_text(choices, query[chosen])
            asked = (
                urlencode(query, errors="replace")
                if choices.below(4)
                else "&".join(map("=".join, query.items()))
            )
            answer = api.ask("GET", f"{path}?{asked}", by=api.admin)
            if answer.status != 200:
                assert answer.status == 422
                return False
            found, cursor = answer.json()[name], answer.json()["next_cursor"]
            assert len(found) <= 200
            if cursor is not None:
                following = _page(api, f"{path}?limit=200&cursor={cursor}")[name]
                assert not {one["id"] for one in found} & {one["id"] for one in following}
            return True

        yield check


@contextmanager
def last_event_ids(place: Place) -> Iterator[Check]:
    """A stream goes on after it: every later event once, in order."""
    with _api(place) as api:
        report = api.access.done(api.access.ann, place.folder)

        def check(choices: Choices) -> bool:
            seen = mutated_text(choices, choices.one(("0", "1", "2", str(report.version), "999999999")))
            path, headers = f"{_REPORTS}/{report.id}/events", {}
            if choices.rarely(3):
                path += f"?last_event_id={quote(seen, errors='replace')}"
            else:
                headers["Last-Event-ID"] = seen
            answer = api.ask("GET", path, by=api.access.ann, headers=headers)
            if answer.status not in (200, 204):
                assert answer.status == 422
                return False
            versions = [int(one) for one in re.findall(rb"(?m)^id: (\d+)$", answer.body)]
            last = int(_sent(seen).strip() or 0)
            assert versions == list(range(last + 1, report.version + 1))
            return True

        yield check


@contextmanager
def keys(place: Place) -> Iterator[Check]:
    """A key that is made is one that works, and no other text is."""
    with _api(place) as api:

        def check(choices: Choices) -> bool:
            api.keep_small()
            if choices.rarely(2):
                return _try_credential(choices, api)
            if choices.rarely(3):
                name = quote(
                    mutated_text(choices, "abcdefghijkm"), safe=choices.one(("", "/%")), errors="replace"
                )
                change = choices.one(("rotate", "revoke"))
                answer = api.ask("POST", f"/api/v1/keys/{name}:{change}", by=api.admin)
                assert answer.status in (308, 404, 405)
                return False
            body = json_bytes(choices, mutated_json(choices, _KEY_BODY))
            headers = {"Content-Type": "application/json"}
            answer = api.ask("POST", "/api/v1/keys", by=api.admin, headers=headers, body=body)
            if answer.status != 201:
                return False
            made = answer.json()
            secret = Secret.read(made["token"])
            assert secret is not None
            assert secret.id == made["id"]
            used = api.ask("GET", "/api/v1/kinds", headers={"Authorization": f"Bearer {made['token']}"})
            assert used.status == 200
            return True

        yield check


@contextmanager
def sign_in(place: Place) -> Iterator[Check]:
    """A browser goes to the issuer, and from there to a page of this service, and nowhere else."""
    with issuing() as issuer:
        issuer.clients["pages"] = ""
        secret = "s" * 32
        services = services_of(
            place.folder,
            auth="oidc",
            listen="127.0.0.1:8080",
            oidc_issuers=issuer.url,
            oidc_audience=AUDIENCE,
            oidc_client_id="pages",
            session_secret=secret,
        )
        app = create_app(services)
        cookie = SignedCookie("waybill-login", [secret], plain_on_loopback=True)

        def begin(choices: Choices) -> bool:
            then = mutated_text(choices, choices.one(_PAGES))
            query = {"next": then, "issuer": mutated_text(choices, issuer.url, 1)}
            answer = call(app, "GET", f"/login?{urlencode(query, errors='replace')}")
            if answer.status != 303:
                return False
            assert answer.headers["Location"].startswith(f"{issuer.url}/authorize?")
            attempt = Attempt.read(cookie.read(_with_cookie(answer)))
            assert attempt is not None
            _stays_here(attempt.then)
            return True

        def complete(choices: Choices) -> bool:
            begun = call(app, "GET", "/login?next=/api/v1/kinds")
            kept = cookie.read(_with_cookie(begun))
            named = {"code": "x", "state": kept["state"], "iss": issuer.url, "error": "access_denied"}
            query = {name: mutated_text(choices, value) for name, value in named.items() if choices.below(3)}
            name, _, value = begun.headers["Set-Cookie"].partition(";")[0].partition("=")
            sent = {"Cookie": f"{name}={mutated_text(choices, value, 1)}"}
            answer = call(app, "GET", f"/login/callback?{urlencode(query, errors='replace')}", sent)
            assert answer.status == 400, "nobody has signed in"
            return False

        try:
            yield lambda choices: complete(choices) if choices.rarely(3) else begin(choices)
        finally:
            services.runtime.close()


def call(
    app: Flask, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Checks what is so of every answer."""
    path, _, query = path.partition("?")
    builder = EnvironBuilder(method=method, base_url=_HOST, query_string=_sent(query), data=body)
    try:
        environ = builder.get_environ()
    finally:
        builder.close()
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = _sent(value)
    parts, status, answered = run_wsgi_app(app, environ, buffered=True)
    answer = Answer(int(status.split()[0]), dict(answered), b"".join(parts))
    assert answer.status < 500, answer
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == MEDIA_TYPE, answer
        problem = answer.json()
        assert problem["status"] == answer.status
        assert problem["detail"]
        assert "Traceback" not in problem["detail"]
    for value in answered.values():
        assert "\r" not in value
        assert "\n" not in value
    return answer


def _page(api: Api, path: str) -> Any:
    answer = api.ask("GET", path, by=api.admin)
    assert answer.status == 200, answer
    return answer.json()


def _try_credential(choices: Choices, api: Api) -> bool:
    token = api.access.ann.token
    sent = mutated_text(choices, f"{choices.one(('Bearer', 'bearer', 'Basic', ''))} {token}")
    answer = api.ask("GET", "/api/v1/kinds", headers={"Authorization": sent})
    if answer.status != 200:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        return False
    scheme, _, rest = _sent(sent).partition(" ")
    assert scheme.lower() == "bearer"
    assert rest.strip() == token
    return True


def _sent(text: str) -> str:
    """As a server passes on what was sent in UTF-8: it lets no line end and no U+0000 through."""
    return text.encode(errors="replace").decode("latin-1").translate({0: None, 10: None, 13: None})


def _with_cookie(answer: Answer) -> Request:
    builder = EnvironBuilder(base_url=_HOST)
    environ = builder.get_environ()
    builder.close()
    environ["HTTP_COOKIE"] = answer.headers["Set-Cookie"].partition(";")[0]
    return Request(environ)


def _stays_here(address: str) -> None:
    """As browsers read it: they drop line ends and tabs, and take a backslash for a slash."""
    read = re.sub(r"[\t\r\n]", "", address.strip()).replace("\\", "/")
    assert urlsplit(urljoin(f"{_HOST}/login/callback", read)).netloc == urlsplit(_HOST).netloc, address

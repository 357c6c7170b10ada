"""Nobody sees or touches what is not theirs: every route, asked by everybody, is as docs/security.md says."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError
from werkzeug.test import TestResponse

from producer_api.permissions import Permission, declared
from tests.support.access import HERS, TEST, THEIRS, Access, Person, access
from tests.support.issuer import issuing, settings_to_sign_in
from tests.support.lifecycle_store import Store
from tests.support.tables import is_on_page, table_of
from tests.support.waiting import eventually
from waybill.background import in_background
from waybill.domain import (
    Action,
    Holder,
    HolderLimits,
    Level,
    LimitValues,
    NewReport,
    OperationAction,
    Owner,
    Report,
    Role,
    Scope,
    new_report_id,
)
from waybill.ledger import Count, IdempotencyKey, Wanted
from waybill.store import AuditFilter
from waybill.store.statements import idempotency

pytest_plugins = ["tests.support.lifecycle_fixtures"]

ONE = "/api/v1/reports/{report_id}"
KEY = "/api/v1/keys/{key_id}"
KIND = "/api/v1/kinds/{kind}"
OPERATIONS = "/api/v1/operations"
SETS = f"{KIND}/parameter-sets"
STOPS = 5.0
"""Seconds in which a credential that is no longer valid stops."""


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def asks(api: Access, who: Person | None, method: str, path: str, **options: Any) -> TestResponse:
    headers = {**options.pop("headers", {}), **(who.headers if who else {})}
    return api.client.open(path, method=method, headers=headers, **options)


# --- every route, asked by everybody

COLUMNS: dict[str, tuple[str, tuple[Role, ...]]] = {
    "no credential": (HERS, ()),
    "a revoked key": (HERS, (Role.ADMIN,)),
    "its requester": (HERS, (Role.REQUESTER,)),
    "another requester": (HERS, (Role.REQUESTER,)),
    "operator": (HERS, (Role.OPERATOR,)),
    "auditor": (HERS, (Role.AUDITOR,)),
    "requester elsewhere": (THEIRS, (Role.REQUESTER,)),
    "operator elsewhere": (THEIRS, (Role.OPERATOR,)),
    "auditor elsewhere": (THEIRS, (Role.AUDITOR,)),
    "admin": ("default", (Role.ADMIN,)),
}
"""Who asks: of which tenant, with which roles. What is asked for is that of `its requester`."""

STRANGERS = [name for name in COLUMNS if name.endswith("elsewhere")]
UNKNOWN = ["no credential", "a revoked key"]


def people(api: Access) -> dict[str, Person | None]:
    found: dict[str, Person | None] = {}
    for number, (name, (tenant, roles)) in enumerate(COLUMNS.items()):
        found[name] = api.person(f"person-{number}", tenant, *roles) if roles else None
    found["its requester"] = api.ann
    revoked = found["a revoked key"]
    assert revoked is not None
    api.services.api_keys.revoke(TEST, revoked.token.split("_")[1])
    return found


@dataclass(frozen=True)
class Asked:
    """One call: `make` gives what it is about, and `sees` whether the answer has it."""

    make: Callable[[Access, Path], Report] = lambda api, _: api.requested(api.ann)
    options: dict[str, Any] = field(default_factory=dict)
    sees: Callable[[TestResponse, Report], bool] | None = None


def failed(api: Access, _: Path) -> Report:
    return api.failed(api.ann)


def done(api: Access, folder: Path) -> Report:
    return api.done(api.ann, folder)


def previewed(api: Access, folder: Path) -> Report:
    report = done(api, folder)
    content = {"columns": [], "rows": [], "rows_in_all": 0, "columns_in_all": 0, "truncated": False}
    for artefact in report.artefacts:
        api.services.previews.keep(report.id, report.attempt, {artefact.filename: json.dumps(content)})
    return report


def limited(api: Access, _: Path) -> Report:
    """In a tenant that has limits."""
    api.services.limits.set(HolderLimits(Holder(Level.TENANT, HERS), LimitValues(max_queued=10_000)))
    return api.requested(api.ann)


def kept(api: Access, _: Path) -> Report:
    """With a set of parameters of its requester, and one of the admin."""
    for owner in (api.ann.owner, Owner.named("default", f"person-{list(COLUMNS).index('admin')}")):
        api.services.parameter_sets.put(owner, "dowork", "hers", {"steps": 1}, shared=False)
    return api.requested(api.ann)


def started(api: Access, _: Path) -> Report:
    """With an operation of its requester."""
    report = api.requested(api.ann)
    wanted = Wanted(OperationAction.CANCEL, Scope(HERS, api.ann.owner.name), ids=[report.id])
    operation = api.services.operations.start(wanted, Count(1, more=False), api.ann.owner, "the test")
    api.operation = str(operation.id)
    while api.services.operations.work():
        pass
    return report


ROUTES: dict[tuple[str, str], Asked] = {
    ("POST", "/api/v1/reports"): Asked(options={"json": {"kind": "dowork"}}),
    ("GET", "/api/report"): Asked(),
    ("GET", "/api/v1/reports"): Asked(
        sees=lambda answer, report: str(report.id) in [one["id"] for one in answer.get_json()["reports"]]
    ),
    ("GET", ONE): Asked(),
    ("POST", f"{ONE}:cancel"): Asked(),
    ("POST", f"{ONE}:retry"): Asked(make=failed),
    ("DELETE", ONE): Asked(make=failed),
    ("POST", OPERATIONS): Asked(
        options={
            "json": {"action": "cancel", "filter": {"owner": "ann", "status": ["init"]}, "dry_run": True}
        },
        sees=lambda answer, _: answer.get_json()["matched"] > 0,
    ),
    ("GET", f"{OPERATIONS}/{{operation_id}}"): Asked(make=started),
    ("GET", f"{ONE}/artefact"): Asked(make=done),
    ("GET", f"{ONE}/artefacts"): Asked(make=done),
    ("GET", f"{ONE}/artefacts/{{filename}}"): Asked(make=done),
    ("GET", f"{ONE}/artefacts/{{filename}}/preview"): Asked(make=previewed),
    ("GET", f"{ONE}/events"): Asked(make=done),
    ("GET", f"{ONE}/trace"): Asked(make=done),
    ("GET", f"{ONE}/logs"): Asked(),
    ("GET", "/api/v1/dead-letters"): Asked(
        make=failed,
        sees=lambda answer, report: (
            str(report.id) in [one["report_id"] for one in answer.get_json()["dead_letters"]]
        ),
    ),
    ("POST", "/api/v1/dead-letters:redrive"): Asked(
        make=failed,
        options={"json": {}},
        sees=lambda answer, report: str(report.id) in answer.get_json()["reports"],
    ),
    ("GET", "/api/v1/kinds"): Asked(),
    ("POST", f"{KIND}:pause"): Asked(options={"json": {"reason": "a test"}}),
    ("POST", f"{KIND}:limit"): Asked(options={"json": {"max_running": 3}}),
    ("POST", f"{KIND}:resume"): Asked(),
    ("GET", f"{KIND}/choices"): Asked(),
    ("GET", SETS): Asked(
        make=kept,
        sees=lambda answer, _: answer.get_json()["parameter_sets"] != [],
    ),
    ("GET", f"{SETS}/{{name}}"): Asked(make=kept),
    ("PUT", f"{SETS}/{{name}}"): Asked(options={"json": {"parameters": {"steps": 1}}}),
    ("DELETE", f"{SETS}/{{name}}"): Asked(make=kept),
    ("GET", "/api/v1/keys"): Asked(),
    ("POST", "/api/v1/keys"): Asked(options={"json": {"name": "a key", "owner": "somebody"}}),
    ("POST", f"{KEY}:rotate"): Asked(),
    ("POST", f"{KEY}:revoke"): Asked(),
    ("GET", "/api/v1/limits"): Asked(
        make=limited,
        sees=lambda answer, _: HERS in [one["tenant"] for one in answer.get_json()["limits"]],
    ),
    ("PUT", "/api/v1/limits"): Asked(
        make=limited, options={"json": {"level": "tenant", "tenant": HERS, "max_queued": 10_000}}
    ),
    ("DELETE", "/api/v1/limits"): Asked(
        make=limited, options={"query_string": {"level": "tenant", "tenant": HERS}}
    ),
    ("GET", "/api/v1/limits/usage"): Asked(make=limited, options={"query_string": {"tenant": HERS}}),
    ("GET", "/api/v1/audit"): Asked(
        sees=lambda answer, report: (
            str(report.id) in [one["report_id"] for one in answer.get_json()["entries"]]
        )
    ),
}
"""A call of every route that the OpenAPI description has."""


def cell(api: Access, folder: Path, route: tuple[str, str], who: Person | None) -> str:
    method, path = route
    asked = ROUTES[route]
    report = asked.make(api, folder)
    key = api.person("somebody", HERS, Role.REQUESTER).token.split("_")[1]
    named = {"{report_id}": str(report.id), "{key_id}": key, "{kind}": "dowork", "{filename}": "report.txt"}
    named |= {"{name}": "hers", "{operation_id}": api.operation}
    address = path
    for name, value in named.items():
        address = address.replace(name, value)
    answer = asks(api, who, method, address, **asked.options)
    answer.get_data()
    if asked.sees and answer.status_code < 300:
        return str(answer.status_code) if asked.sees(answer, report) else f"{answer.status_code}, without it"
    return str(answer.status_code)


def test_every_route_gives_everybody_what_the_page_says(api: Access, tmp_path: Path) -> None:
    described = {
        (method.upper(), path)
        for path, operations in api.client.get("/api/v1/openapi.json").get_json()["paths"].items()
        for method in operations
    }
    assert described == set(ROUTES), "each route has a call above"
    asking = people(api)

    cells = {
        route: {name: cell(api, tmp_path, route, who) for name, who in asking.items()} for route in ROUTES
    }

    for (method, path), found in cells.items():
        assert {found[name] for name in UNKNOWN} == {"401"}, path
        if "{report_id}" in path:
            assert {found[name] for name in STRANGERS} <= {"403", "404"}, path
            assert found["its requester"].startswith("2"), path
            assert found["another requester"] == "404", path
        if ROUTES[method, path].sees:
            assert not {found[name] for name in (*STRANGERS, "another requester")} & {"200", "202"}, path
        assert found["admin"].startswith("2"), path
    rows = [(f"`{method} {path}`", list(found.values())) for (method, path), found in cells.items()]
    is_on_page(table_of(list(COLUMNS), rows), "routes")


def test_every_route_declares_what_it_needs(api: Access) -> None:
    """Those too that the description leaves out."""
    routes = api.client.application.view_functions

    assert {name for name, route in routes.items() if declared(route) is None} == set()
    open_to_all = {name for name, route in routes.items() if declared(route) is Permission.NONE}
    documents = {"documentation.page"}
    signing_in = {"login.begin", "login.complete", "login.end", "login.signed_out"}
    others = {"explain", "openapi", "health.alive", "health.ready", "web.asset"}
    assert open_to_all == {*others, *signing_in, *documents}


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_other_methods_of_a_route_need_the_same(api: Access, method: str) -> None:
    report = api.requested(api.ann)
    stranger = api.person("gil", THEIRS, Role.REQUESTER)
    address = f"/api/v1/reports/{report.id}"

    assert asks(api, None, method, address).status_code == 401
    if method == "HEAD":
        assert asks(api, stranger, method, address).status_code == 404
        assert asks(api, api.ann, method, address).status_code == 200


# --- credentials


@pytest.mark.parametrize(
    "header",
    [
        *("", "Bearer", "Bearer ", "Basic d2I6d2I=", "Bearer wb_", "Bearer wb_abcdefghijkm_short", "wb_abc"),
        *("Bearer wb_aaaaaaaaaaaa_" + "x" * 43, "Bearer \xe9\xe9", "Bearer " + "x" * 4000),
    ],
)
def test_what_is_no_valid_credential_is_refused(api: Access, header: str) -> None:
    answer = api.client.get("/api/v1/reports", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.mimetype == "application/problem+json"


def test_a_key_with_the_secret_of_another_is_refused(api: Access) -> None:
    other = api.person("bob", HERS, Role.ADMIN)
    mixed = f"wb_{api.ann.token.split('_')[1]}_{other.token.split('_', 2)[2]}"

    assert asks(api, Person("mixed", api.ann.owner, mixed), "GET", "/api/v1/kinds").status_code == 401


def test_of_a_key_the_database_has_a_hash_alone(api: Access, store: Store) -> None:
    key_id, secret = api.ann.token.removeprefix("wb_").split("_", 1)
    with store.engine.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM api_keys WHERE id = :id"), {"id": key_id}).mappings()

    assert row["secret_sha256"] == hashlib.sha256(secret.encode()).digest()
    assert not [name for name, value in row.items() if secret in str(value)]


def test_keys_are_made_used_rotated_and_revoked(api: Access) -> None:
    root = api.person("root", "default", Role.ADMIN)
    wanted = {"name": "the shop", "owner": "shop", "tenant": HERS, "roles": ["requester"]}
    made = asks(api, root, "POST", "/api/v1/keys", json=wanted).get_json()
    shop = Person("shop", Owner(HERS, "shop"), made["token"])
    assert asks(api, shop, "POST", "/api/v1/reports", json={"kind": "dowork"}).get_json()["owner"] == "shop"

    rotated = asks(api, root, "POST", f"/api/v1/keys/{made['id']}:rotate").get_json()["token"]
    new = Person("shop", shop.owner, rotated)
    assert asks(api, new, "GET", "/api/v1/kinds").status_code == 200
    eventually(lambda: asks(api, shop, "GET", "/api/v1/kinds").status_code == 401 or None, "its end", STOPS)

    assert asks(api, root, "POST", f"/api/v1/keys/{made['id']}:revoke").status_code == 200
    eventually(lambda: asks(api, new, "GET", "/api/v1/kinds").status_code == 401 or None, "its end", STOPS)
    for change in ("rotate", "revoke"):
        again = asks(api, root, "POST", f"/api/v1/keys/{made['id']}:{change}")
        assert (again.status_code, again.get_json()["type"]) == (404, "/problems/no-such-key")

    keys = asks(api, root, "GET", "/api/v1/keys").get_json()["keys"]
    (listed,) = [one for one in keys if one["id"] == made["id"]]
    assert listed["last_used_at"]
    assert listed["revoked_at"]
    assert listed["created_by"] == f"root (key {root.token.split('_')[1]})"
    assert not {"token", "secret_sha256"} & set(listed)


def test_a_key_ends_when_it_was_said_to(api: Access, store: Store) -> None:
    root = api.person("root", "default", Role.ADMIN)
    wanted = {"name": "a day's", "owner": "shop", "expires_in_days": 1}
    made = asks(api, root, "POST", "/api/v1/keys", json=wanted).get_json()
    assert made["expires_at"]

    store.pass_time(timedelta(days=1))

    assert asks(api, Person("shop", Owner(), made["token"]), "GET", "/api/v1/kinds").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        *({"owner": "anonymous"}, {"owner": " ann"}, {"owner": "e\u0301"}),
        *({"owner": "a\nb"}, {"tenant": "Acme"}, {"tenant": "../acme"}, {"tenant": ""}, {"owner": ""}),
        *({"roles": []}, {"roles": ["king"]}, {"expires_in_days": 0}, {"name": "\0"}, {"more": 1}),
    ],
)
def test_a_key_that_cannot_be_is_refused(api: Access, wrong: dict[str, Any]) -> None:
    root = api.person("root", "default", Role.ADMIN)

    answer = asks(api, root, "POST", "/api/v1/keys", json={"name": "a", "owner": "b", **wrong})

    assert answer.status_code == 422, answer.text


def test_a_stream_ends_with_the_credential(api: Access) -> None:
    report = api.requested(api.ann)
    answer = asks(api, api.ann, "GET", f"/api/v1/reports/{report.id}/events", buffered=False)
    lines = iter(answer.response)
    assert "retry" in str(next(lines))

    api.services.api_keys.revoke(TEST, api.ann.token.split("_")[1])

    ended = in_background(lambda: list(lines))
    assert wait([ended], STOPS + 1).done, "the stream goes on"
    assert "event: status" in "".join(map(str, ended.result()))


def test_a_browser_signs_in_and_follows_its_report(store: Store, store_url: str, tmp_path: Path) -> None:
    host = "https://waybill.test"
    with issuing() as issuer, access(store_url, tmp_path, **settings_to_sign_in(issuer)) as api:
        browser = api.client.application.test_client()
        begun = browser.get("/login", base_url=host)
        back = httpx.get(begun.headers["Location"], trust_env=False).headers["Location"]
        assert browser.get(back).status_code == 303

        made = browser.post(
            "/api/v1/reports", base_url=host, json={"kind": "dowork"}, headers={"Origin": host}
        )
        assert (made.status_code, made.get_json()["owner"]) == (202, "alice")
        events = f"/api/v1/reports/{made.get_json()['id']}/events"
        hers = f"/api/v1/reports/{api.requested(api.ann).id}/events"
        with browser.get(events, base_url=host, buffered=False) as stream:
            assert "event: status" in "".join(str(next(stream.iter_encoded())) for _ in range(2))
        assert browser.get(hers, base_url=host).status_code == 404
        assert browser.post("/logout", base_url=host, headers={"Origin": host}).status_code == 204
        assert browser.get(events, base_url=host).status_code == 401
        assert {one.event.actor.credential for one in api.services.ledger.audit(AuditFilter())} >= {
            f"session {issuer.url}"
        }


# --- keys of requests, cursors, traces


def test_an_idempotency_key_is_its_owners(api: Access) -> None:
    bob, gil = api.person("bob", HERS, Role.REQUESTER), api.person("ann", THEIRS, Role.REQUESTER)
    key = {"Idempotency-Key": "monthly"}

    reports = [api.requested(one, **key).id for one in (api.ann, api.ann, bob, gil, bob)]

    assert reports[0] == reports[1]
    assert reports[2] == reports[4]
    assert len(set(reports)) == 3


def test_a_key_without_an_owner_is_stored_as_earlier_versions_do(store: Store) -> None:
    """Their processes run on beside an upgrade."""
    new = NewReport(new_report_id(), "dowork", {}, None)
    store.ledger.accept(new, IdempotencyKey("monthly", "0" * 64))

    with store.engine.connect() as connection:
        found = idempotency.get(connection, "monthly")

    assert found is not None
    assert found.report_id == new.id


def test_a_cursor_of_another_gives_nothing_of_theirs(api: Access) -> None:
    bob = api.person("bob", HERS, Role.REQUESTER)
    first = api.requested(bob)
    hers = [api.requested(api.ann) for _ in range(3)]
    api.requested(bob)

    answer = asks(api, bob, "GET", f"/api/v1/reports?cursor={hers[-1].id}").get_json()

    assert [one["id"] for one in answer["reports"]] == [str(first.id)]


def test_a_trace_that_a_caller_sends_gives_nothing_of_its_report(api: Access) -> None:
    bob = api.person("bob", HERS, Role.REQUESTER)
    hers = api.requested(api.ann, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")

    his = api.requested(bob, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")

    listed = asks(api, bob, "GET", "/api/v1/reports").get_json()["reports"]
    assert [one["id"] for one in listed] == [str(his.id)]
    assert asks(api, bob, "GET", f"/api/v1/reports/{hers.id}").status_code == 404


def test_what_is_for_one_is_kept_by_no_cache(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)

    for path in ("", f"/{report.id}", f"/{report.id}/artefact", f"/{report.id}/events"):
        answer = asks(api, api.ann, "GET", f"/api/v1/reports{path}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"].startswith("private")
        answer.close()


def test_files_are_kept_by_tenant(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)

    assert report.artefact is not None
    assert report.artefact.key.startswith(f"{HERS}/reports/{report.id}/")


def test_a_dead_letter_of_the_version_before_is_that_of_its_reports_tenant(api: Access, store: Store) -> None:
    report = api.failed(api.ann)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE dead_letters SET tenant = NULL, owner = NULL"))

    def seen_by(tenant: str) -> list[str]:
        operator = api.person("olga", tenant, Role.OPERATOR)
        letters = asks(api, operator, "GET", "/api/v1/dead-letters").get_json()["dead_letters"]
        return [one["report_id"] for one in letters]

    assert seen_by(HERS) == [str(report.id)]
    assert seen_by(THEIRS) == []


# --- the audit


def test_everyone_who_does_something_is_in_the_audit(api: Access, tmp_path: Path) -> None:
    olga, audrey = api.person("olga", HERS, Role.OPERATOR), api.person("audrey", HERS, Role.AUDITOR)
    report = api.done(api.ann, tmp_path)
    asks(api, api.ann, "GET", f"/api/v1/reports/{report.id}/artefact").close()
    failing = api.failed(api.ann)
    asks(api, olga, "POST", f"/api/v1/reports/{failing.id}:retry")
    asks(api, olga, "POST", f"/api/v1/reports/{failing.id}:cancel")
    api.failed(api.ann)
    asks(api, olga, "POST", "/api/v1/dead-letters:redrive", json={})

    entries = asks(api, audrey, "GET", "/api/v1/audit").get_json()["entries"]

    theirs = [one for one in reversed(entries) if one["actor"] in ("ann", "olga")]
    assert [(one["actor"], one["action"]) for one in theirs] == [
        *(("ann", "request"), ("ann", "download"), ("ann", "request"), ("olga", "retry"), ("olga", "cancel")),
        *(("ann", "request"), ("olga", "redrive")),
    ]
    hers = f"key {api.ann.token.split('_')[1]}"
    assert {one["credential"] for one in theirs if one["actor"] == "ann"} == {hers}
    of_one = asks(api, audrey, "GET", f"/api/v1/audit?report_id={failing.id}&limit=2").get_json()
    assert [one["action"] for one in of_one["entries"]] == ["cancel", "retry"]
    rest = asks(api, audrey, "GET", f"/api/v1/audit?report_id={failing.id}&cursor={of_one['next_cursor']}")
    assert [one["action"] for one in rest.get_json()["entries"]] == ["request"]


def test_a_file_that_was_not_sent_is_no_download(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)
    asks(api, api.ann, "HEAD", f"/api/v1/reports/{report.id}/artefact").close()
    api.services.artefacts.remove_all(HERS, report.id, report.attempt)
    assert asks(api, api.ann, "GET", f"/api/v1/reports/{report.id}/artefact").status_code == 404

    assert api.services.ledger.audit(AuditFilter(action=Action.DOWNLOAD)) == []


def test_the_second_request_of_a_key_is_no_event(api: Access) -> None:
    for _ in range(2):
        api.requested(api.ann, **{"Idempotency-Key": "once"})

    assert len(api.services.ledger.audit(AuditFilter(action=Action.REQUEST))) == 1


def test_without_credentials_there_is_no_audit(store: Store) -> None:
    store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None))

    assert store.ledger.audit(AuditFilter()) == []


def test_the_services_role_can_change_nothing_in_the_audit(api: Access, store: Store) -> None:
    api.requested(api.ann)
    for change in ("UPDATE audit SET actor = 'bob'", "DELETE FROM audit", "TRUNCATE audit"):
        with (
            store.engine.connect() as connection,
            as_services_role(connection),
            pytest.raises(ProgrammingError, match="permission denied"),
        ):
            connection.execute(text(change))
    with store.engine.connect() as connection, as_services_role(connection):
        kept = connection.scalar(text("SELECT count(*) FROM audit"))
        connection.execute(text("SELECT remove_old_audit(interval '0', 1000)"))
        assert connection.scalar(text("SELECT count(*) FROM audit")) == kept > 0, "what is new stays"


@contextmanager
def as_services_role(connection: Connection) -> Iterator[None]:
    """A role for both services, as an installation of before may have it."""
    for statement in (
        "DROP ROLE IF EXISTS audit_writer",
        "CREATE ROLE audit_writer",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO audit_writer",
        "REVOKE UPDATE, DELETE ON audit FROM audit_writer",
        "GRANT EXECUTE ON FUNCTION remove_old_audit TO audit_writer",
        "SET LOCAL ROLE audit_writer",
    ):
        connection.execute(text(statement))
    yield
    connection.rollback()


def test_the_function_that_removes_takes_no_table_of_its_caller_for_the_audit(
    api: Access, store: Store
) -> None:
    """It has the rights of the role that migrates."""
    api.requested(api.ann)
    store.pass_time(timedelta(days=1000))
    with store.engine.connect() as connection, as_services_role(connection):
        before = connection.scalar(text("SELECT count(*) FROM audit"))
        connection.execute(text("CREATE TEMP TABLE audit (id bigint, at timestamptz)"))
        connection.execute(text("INSERT INTO pg_temp.audit VALUES (1, '2000-01-01')"))
        removed = connection.scalar(text("SELECT public.remove_old_audit(interval '1 day', 1000)"))

        assert removed == before > 0
        assert connection.scalar(text("SELECT count(*) FROM pg_temp.audit")) == 1


def test_what_is_old_leaves_the_audit(api: Access, store: Store) -> None:
    api.requested(api.ann)
    store.pass_time(timedelta(days=364))
    store.retention.remove_audit()
    assert store.ledger.audit(AuditFilter())

    store.pass_time(timedelta(days=2))
    while store.retention.remove_audit():
        pass

    assert store.ledger.audit(AuditFilter()) == []


# --- priorities


def test_a_role_has_its_first_priority(api: Access) -> None:
    olga = api.person("olga", HERS, Role.OPERATOR)

    def answer(by: Person, priority: int) -> TestResponse:
        return asks(api, by, "POST", "/api/v1/reports", json={"kind": "dowork", "priority": priority})

    assert answer(api.ann, 2).get_json()["priority"] == 2
    assert answer(olga, 1).get_json()["priority"] == 1
    refused = answer(api.ann, 1)
    assert (refused.status_code, refused.get_json()["type"]) == (403, "/problems/not-allowed")
    assert "2 to 5" in refused.get_json()["detail"]
    assert answer(olga, 0).status_code == answer(olga, 6).status_code == 422


def test_a_priority_that_is_not_given_is_no_part_of_an_idempotent_request(api: Access) -> None:
    """Processes of the version before do not know it, and answer the same request with the same report."""
    body: dict[str, Any] = {"kind": "dowork", "parameters": {}, "timeout_seconds": None}
    sha256 = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    new = NewReport(new_report_id(), "dowork", {}, None, owner=api.ann.owner)
    api.services.ledger.accept(new, IdempotencyKey("monthly", sha256, api.ann.owner))

    assert api.requested(api.ann, **{"Idempotency-Key": "monthly"}).id == new.id


def test_the_list_of_artefacts_is_of_ones_own_alone(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)
    gil, bob = (api.person("gil", THEIRS, Role.ADMIN), api.person("bob", HERS, Role.REQUESTER))
    for path in ("artefacts", "artefacts/report.txt", "artefacts/other.txt"):
        answer = asks(api, bob, "GET", f"/api/v1/reports/{report.id}/{path}")
        assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/no-such-report"), path
        assert "report.txt" not in answer.text
    assert asks(api, gil, "GET", f"/api/v1/reports/{report.id}/artefacts").status_code == 200, (
        "of all tenants"
    )


def test_a_download_of_one_of_them_is_in_the_audit(api: Access, tmp_path: Path) -> None:
    report = api.done(api.ann, tmp_path)
    address = f"/api/v1/reports/{report.id}/artefacts/report.txt"

    assert asks(api, api.ann, "HEAD", address).status_code == 200
    assert asks(api, api.ann, "GET", f"/api/v1/reports/{report.id}/artefacts").status_code == 200
    assert api.services.ledger.audit(AuditFilter(action=Action.DOWNLOAD)) == []
    assert asks(api, api.ann, "GET", address).data == b"what ann alone should read\n"

    (entry,) = api.services.ledger.audit(AuditFilter(action=Action.DOWNLOAD))
    assert entry.event.report_id == report.id

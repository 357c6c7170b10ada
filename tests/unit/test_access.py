"""Identities that proxies send, and the settings of credentials."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g

from producer_api.app import create_app
from producer_api.permissions import GRANTS, Permission, Reach, reach, requires
from producer_api.settings import ApiSettings
from tests.support.api_services import services_of
from waybill.domain import EVERYTHING, Action, Actor, AuditEvent, Owner, Role, Scope, Secret
from waybill.ledger.audit_log import export
from waybill.logs import configure_logs
from waybill.settings import WrongSettings, load

PROXY = {"REMOTE_ADDR": "10.0.0.1"}
HEADERS = {
    "proxy_user_header": "X-User",
    "proxy_tenant_header": "X-Tenant",
    "proxy_roles_header": "X-Roles",
    "trusted_proxies": "10.0.0.0/8",
}
Make = Callable[..., Flask]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def app(**settings: Any) -> Flask:
        app = create_app(services_of(tmp_path, **settings))

        @app.get("/who")
        @requires(Permission.READ_KINDS)
        def tell() -> dict[str, Any]:
            identity = g.identity
            return {**vars(identity.owner), "roles": sorted(identity.roles), "by": identity.credential}

        return app

    return app


# --- proxies


def test_a_trusted_proxy_says_who_it_is(make: Make) -> None:
    client = make(auth="proxy", **HEADERS).test_client()
    headers = {"X-User": "ann@example.org", "X-Tenant": "acme", "X-Roles": "operator, staff requester"}

    answer = client.get("/who", headers=headers, environ_base=PROXY)

    assert answer.get_json() == {
        "tenant": "acme",
        "name": "ann@example.org",
        "roles": ["operator", "requester"],
        "by": "proxy",
    }


def test_a_proxy_that_says_no_more_than_a_name_sends_requesters_of_one_tenant(make: Make) -> None:
    client = make(auth="proxy", trusted_proxies="10.0.0.0/8").test_client()

    answer = client.get("/who", headers={"X-Forwarded-User": "ann"}, environ_base=PROXY)

    assert answer.get_json() == {"tenant": "default", "name": "ann", "roles": ["requester"], "by": "proxy"}


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"X-User": "ann", "X-Roles": "admin"}, {"REMOTE_ADDR": "192.0.2.1"}),
        ({"X-User": "ann", "X-Roles": "admin", "X-Forwarded-For": "10.0.0.1"}, {"REMOTE_ADDR": "192.0.2.1"}),
        ({"X-Roles": "admin"}, PROXY),
        ({"X-User": ""}, PROXY),
        ({"X-User": "a" * 201, "X-Tenant": "acme"}, PROXY),
        ({"X-User": "ann", "X-Tenant": "../acme"}, PROXY),
        ({"X-User": "ann"}, PROXY),
        ({"X-User": "anonymous", "X-Tenant": "acme"}, PROXY),
        ({"X-User": "ann,bob", "X-Tenant": "acme"}, PROXY),
        ({"X-User": "\xff", "X-Tenant": "acme"}, PROXY),
    ],
)
def test_from_anyone_else_and_where_they_are_wrong_headers_are_no_credential(
    make: Make, headers: dict[str, str], sender: dict[str, str]
) -> None:
    answer = make(auth="proxy", **HEADERS).test_client().get("/who", headers=headers, environ_base=sender)

    assert answer.status_code == 401


def test_where_proxies_are_not_switched_on_their_header_says_nothing(make: Make) -> None:
    client = make(auth="key", **HEADERS).test_client()

    assert client.get("/who", headers={"X-User": "ann"}, environ_base=PROXY).status_code == 401


def test_roles_of_others_give_no_right(make: Make) -> None:
    headers = {"X-User": "ann", "X-Tenant": "acme", "X-Roles": "Admin,root,wheel"}

    answer = make(auth="proxy", **HEADERS).test_client().get("/who", headers=headers, environ_base=PROXY)

    assert answer.status_code == 403


# --- settings


@pytest.mark.parametrize(
    ("auth", "expected"),
    [("king", "'king' is none of none, key"), ("none,key", "must be none, or"), (",", "must be none")],
)
def test_a_sort_of_credential_that_cannot_be_is_said(make: Make, auth: str, expected: str) -> None:
    with pytest.raises(WrongSettings, match=expected):
        make(auth=auth)


def test_proxies_need_addresses(make: Make) -> None:
    with pytest.raises(WrongSettings, match="WAYBILL_TRUSTED_PROXIES"):
        make(auth="proxy")


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:80", True),
        ("localhost:1", True),
        ("0.0.0.0:8080", False),
        (":1", False),
    ],
)
def test_who_reaches_an_address_is_known(make: Make, listen: str, expected: bool) -> None:
    settings = load(
        ApiSettings,
        database_url="postgresql://a@b/c",
        kafka_bootstrap_servers="a",
        artefact_url="b",
        listen=listen,
    )

    assert settings.listens_on_loopback is expected


# --- roles


def test_a_role_reaches_what_the_widest_of_several_does() -> None:
    assert reach([Role.REQUESTER, Role.AUDITOR], Permission.READ) is Reach.TENANT
    assert reach([Role.REQUESTER, Role.AUDITOR], Permission.CHANGE) is Reach.OWN
    assert reach([Role.AUDITOR], Permission.CHANGE) is None
    assert reach([], Permission.READ) is None
    assert set(GRANTS) == set(Role)


def test_a_reach_is_a_scope() -> None:
    ann, bob, gil = Owner("acme", "ann"), Owner("acme", "bob"), Owner("globex", "ann")

    assert [Reach.OWN.scope(ann).covers(one) for one in (ann, bob, gil)] == [True, False, False]
    assert [Reach.TENANT.scope(ann).covers(one) for one in (ann, bob, gil)] == [True, True, False]
    assert Reach.ALL.scope(ann) == EVERYTHING == Scope()


# --- keys


def test_a_secret_is_in_no_representation() -> None:
    secret = Secret.new()

    assert Secret.read(str(secret)) == secret
    assert secret.secret not in repr(secret)
    assert secret.secret not in f"{[secret]}"


# --- what is exported


def test_the_audit_is_on_standard_output_as_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    loggers = [logging.getLogger(name) for name in (None, "waybill.audit")]
    handlers = [logger.handlers[:] for logger in loggers]
    try:
        configure_logs("producer-api", "json", "info")
        export([AuditEvent(Actor(Owner("acme", "ann"), "key abc"), Action.CANCEL, "acme", subject="x")])
    finally:
        for logger, before in zip(loggers, handlers, strict=True):
            logger.handlers[:] = before

    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found.pop("at")
    assert found == {
        "actor_tenant": "acme",
        "actor": "ann",
        "credential": "key abc",
        "action": "cancel",
        "tenant": "acme",
        "report_id": None,
        "subject": "x",
        "trace_id": None,
    }

"""Each target finds a fault that is put into what it tries: a run that cannot fail shows nothing."""

import json
import re
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from flask import Request, request
from itsdangerous import URLSafeSerializer
from pytest import MonkeyPatch

from producer_api.access.cookies import SignedCookie
from tests.fuzz.running import repeat, run
from tests.fuzz.target import Place, Target
from tests.fuzz.targets import TARGETS
from waybill.domain import NORMAL_PRIORITY, NewReport, Owner, Secret
from waybill.kinds import Kind
from waybill.ledger import IdempotencyKey, Ledger

MOST_CASES = 10_000
_read_secret, _page = Secret.read, Ledger.page

_NUMBERS = count()


def accept_unsigned(_: SignedCookie, sent: Request) -> Any:
    return URLSafeSerializer("any").loads_unsafe(sent.cookies.get("waybill", ""))[1]


def store_without_aliases(_: Kind, __: Any, model: Any) -> Any:
    return model.model_dump(mode="json")


def same_for_all(key: str, digest: str, _: Owner) -> IdempotencyKey:
    return IdempotencyKey(key, digest, Owner())


def without_priority(*fields: Any, **more: Any) -> NewReport:
    return NewReport(*fields, **{**more, "priority": NORMAL_PRIORITY})


def always_from_the_start(ledger: Ledger, wanted: Any) -> Any:
    return _page(ledger, replace(wanted, cursor=None))


def any_scheme(sent: Request) -> str:
    return str(sent.environ.get("HTTP_AUTHORIZATION", "")).rpartition(" ")[2]


def another_digest(_: str) -> str:
    return str(next(_NUMBERS))


def plain_number() -> int:
    return int(request.headers.get("Last-Event-ID") or 0)


PLANTED: dict[str, tuple[str, Any]] = {
    "commands": ("waybill.messages.command._read_object", json.loads),
    "headers": ("waybill.messages.headers._text", lambda value: value and bytes(value, "ascii").decode()),
    "queries": ("tests.fuzz.targets.queries.redacted_query", lambda query, _: query[:1000]),
    "conditions": ("producer_api.http_rules._is_of", lambda tag, one: tag is None or one.etag in tag),
    "filenames": ("waybill.file_headers._NOT_QUOTABLE", re.compile("(?!)")),
    "key-texts": ("waybill.domain.Secret.read", lambda text: _read_secret(text.strip())),
    "web-tokens": ("producer_api.access.oidc.jws.validate_compact", lambda *_, **__: True),
    "sessions": ("producer_api.access.cookies.SignedCookie.read", accept_unsigned),
    "proxies": ("producer_api.access.proxy.FROM_TRUSTED_PROXY", "REQUEST_METHOD"),
    "parameters": ("waybill.kinds.Kind.stored_parameters", store_without_aliases),
    "previews": ("report_worker.previews.csv_rows.MAX_ROWS", 110),
    "output": ("report_worker.output.parsing._begun", lambda *_: 0),
    "definitions": ("waybill.definitions.kind.digest_of", another_digest),
    "webhooks": (
        "waybill.outbound.AllowedHost._matches_name",
        lambda host, name: host.name.lstrip("*.") in name,
    ),
    "addresses": ("waybill.addresses._PORT", re.compile("(?s).*")),
    "database-urls": ("waybill.database_url._NAMES_AN_OPTION", re.compile("(?s).*")),
    "settings": ("producer_api.access.oidc_settings._is_issuer", lambda _: True),
    "sign-in": ("producer_api.routes.login._NEXT", re.compile("(?s).*")),
    "traces": ("waybill_client.trace._text", lambda value: value),
    "answers": ("waybill_client.http.ValidationError", KeyError),
    "streams": ("waybill_client.api.ValidationError", KeyError),
    "terminal": ("waybill_client.cli.escaping._INVISIBLE", re.compile("(?!)")),
    "requests": ("producer_api.requesting.NewReport", without_priority),
    "idempotency-keys": ("producer_api.requesting.IdempotencyKey", same_for_all),
    "cursors": ("waybill.ledger.Ledger.page", always_from_the_start),
    "last-event-ids": ("producer_api.routes.outcome._last_seen", plain_number),
    "keys": ("producer_api.access.keys.bearer", any_scheme),
}
"""For each target, what is replaced, and by what."""


def test_each_target_has_a_fault() -> None:
    assert set(PLANTED) == {target.name for target in TARGETS}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_planted_fault_is_found(target: Target, place: Place, monkeypatch: MonkeyPatch) -> None:
    name, fault = PLANTED[target.name]
    with target.open(place) as check:
        with monkeypatch.context() as planting:
            planting.setattr(name, fault)
            outcome = run(target, check, MOST_CASES, seed=1)
            assert outcome.finding is not None, f"not found in {outcome.cases} cases"
            assert repeat(target, check, outcome.finding.recipe).finding is not None
        assert repeat(target, check, outcome.finding.recipe).finding is None, "it fails without the fault too"

"""Webhooks without database and network: their settings, signatures, and what is tried when."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from random import Random
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from producer_api.problems import Problem
from producer_api.resources import WebhookRequest, report_resource
from producer_api.settings import ApiSettings
from producer_api.webhooks import RequestedWebhooks
from producer_api.webhooks.payload import payload
from producer_api.webhooks.signing import Signer, UnusableSigningSecret
from tests.support.api_services import GOOD, set_alone
from tests.support.receiver import OTHER_SECRET, SECRET
from waybill.domain import (
    Delivery,
    DeliveryPolicy,
    DeliveryStatus,
    Report,
    Status,
    TryOutcome,
    new_report_id,
    shown_url,
)
from waybill.outbound import OutboundPolicy
from waybill.redaction import redacted
from waybill.settings import WrongSettings, load

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
HOSTS = {"WAYBILL_WEBHOOK_HOSTS": "example.com, *.example.org:8443"}
URL = "https://example.com/hook?token=hush"


def report(**values: Any) -> Report:
    nothing = dict.fromkeys(("progress", "failure", "artefact", "carrier", "started_at"))
    times = {"created_at": NOW, "updated_at": NOW, "finished_at": NOW}
    made = {"id": new_report_id(), "kind": "dowork", "parameters": {"price": 1.5}, "version": 7, "attempt": 1}
    return Report(**{**nothing, **times, **made, "status": Status.DONE, "webhook": URL, **values})


# --- settings


def settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> ApiSettings:
    set_alone(monkeypatch, {**GOOD, **variables})
    return load(ApiSettings)


def test_webhooks_are_off_unless_hosts_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).webhook_targets.allows_nothing


def test_policies_are_made_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings(
        monkeypatch,
        **HOSTS,
        WAYBILL_WEBHOOK_SECRET=f"{SECRET},{OTHER_SECRET}",
        WAYBILL_WEBHOOK_RETRY_SECONDS="1, 2.5",
    )

    assert str(made.webhook_targets.check("https://a.example.org:8443/")) == "https://a.example.org:8443/"
    assert made.webhook_deliveries.delays == (timedelta(seconds=1), timedelta(seconds=2.5))
    assert made.webhook_signer.headers("id", NOW, "{}")["webhook-signature"].count("v1,") == 2


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (HOSTS, "WAYBILL_WEBHOOK_HOSTS: webhooks are signed, with WAYBILL_WEBHOOK_SECRET"),
        ({"WAYBILL_WEBHOOK_HOSTS": "example.com/path"}, "WAYBILL_WEBHOOK_HOSTS: .*no host such as"),
        ({"WAYBILL_WEBHOOK_PRIVATE_NETWORKS": "0.0.0.0/0"}, "WEBHOOK_PRIVATE_NETWORKS: .*wider than any"),
        ({"WAYBILL_WEBHOOK_PRIVATE_NETWORKS": "inside"}, "WEBHOOK_PRIVATE_NETWORKS: .*no IP address"),
        ({"WAYBILL_WEBHOOK_SECRET": "hush"}, "WAYBILL_WEBHOOK_SECRET: each secret must be whsec_"),
        ({"WAYBILL_WEBHOOK_RETRY_SECONDS": "5,soon"}, "WEBHOOK_RETRY_SECONDS: .*'soon' is no number"),
        ({"WAYBILL_WEBHOOK_RETRY_SECONDS": "5,nan"}, "WEBHOOK_RETRY_SECONDS: .*'nan' is no number"),
        ({"WAYBILL_WEBHOOK_RETRY_SECONDS": "0"}, "WEBHOOK_RETRY_SECONDS: .*'0' is no number"),
    ],
)
def test_wrong_settings_stop_the_start(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WrongSettings, match=message) as refused:
        settings(monkeypatch, **variables)
    assert "hush" not in str(refused.value)


# --- signatures


def test_a_receiver_that_has_one_of_the_secrets_can_verify() -> None:
    now = datetime.now(UTC)
    headers = dict(Signer([SECRET, OTHER_SECRET]).headers("an-id", now, '{"a": 1}'))

    for secret in (SECRET, OTHER_SECRET):
        assert Webhook(secret).verify('{"a": 1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(f"whsec_{'canary' * 6}").verify('{"a": 1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify('{"a": 1}', {**headers, "webhook-id": "another"})


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_aHVzaA==", "aHVzaCBodXNoIGh1c2ggaHVzaCBodXNoIA==", "whsec_hush hush", SECRET * 3],
)
def test_what_is_no_signing_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(UnusableSigningSecret) as refused:
        Signer([secret])
    assert not secret or secret == "whsec_" or secret not in str(refused.value)


def test_a_signing_secret_is_redacted() -> None:
    assert redacted(f"it was {SECRET},{OTHER_SECRET} then") == "it was REDACTED then"


# --- what is sent


def test_a_receiver_gets_the_report_as_the_api_shows_it() -> None:
    ended = report()

    sent = json.loads(payload(ended, "/waybill"))

    shown = json.loads(report_resource(ended, root="/waybill").model_dump_json(exclude={"webhook"}))
    assert sent == {"type": "report.done", "timestamp": "2026-11-23T12:00:00.123456Z", "data": shown}
    assert "hush" not in json.dumps(sent)


def test_a_report_shows_its_webhook_without_the_query() -> None:
    delivery = Delivery(7, DeliveryStatus.FAILED, 2, NOW, 503, "It answered 503.")

    shown = report_resource(report(), delivery=delivery, root="").webhook

    assert shown
    assert shown.model_dump() == {**vars(delivery), "url": "https://example.com/hook"}
    assert report_resource(report(webhook=None), root="").webhook is None
    assert shown_url("https://example.com:8443/a/b?c=d") == "https://example.com:8443/a/b"


# --- when


def test_a_try_in_vain_is_followed_by_a_later_one_until_the_last() -> None:
    policy = DeliveryPolicy((timedelta(seconds=5), timedelta(minutes=5)))
    failed = TryOutcome(500, "It answered 500.")

    first, second, last = (policy.next_delay(attempt, failed, Random(1)) for attempt in (1, 2, 3))

    assert first
    assert second
    assert timedelta(seconds=5) <= first <= timedelta(seconds=5.5)
    assert timedelta(minutes=5) <= second <= timedelta(minutes=5.5)
    assert last is None


def test_a_receiver_that_wants_no_more_gets_no_more() -> None:
    policy = DeliveryPolicy((timedelta(seconds=5),))

    assert policy.next_delay(1, TryOutcome(HTTPStatus.GONE, "It answered 410."), Random(1)) is None


# --- requests


def requested(*hosts: str) -> RequestedWebhooks:
    targets = OutboundPolicy.parse(
        hosts, hosts_setting="WAYBILL_WEBHOOK_HOSTS", networks_setting="WAYBILL_WEBHOOK_PRIVATE_NETWORKS"
    )
    return RequestedWebhooks(deliveries=None, targets=targets)  # type: ignore[arg-type] # asks nothing of it


def test_a_request_may_have_an_allowed_one_or_none() -> None:
    webhooks = requested("example.com")

    assert webhooks.url(None) is None
    assert webhooks.url(WebhookRequest(url=URL)) == URL


@pytest.mark.parametrize(
    ("hosts", "url", "field"),
    [
        ((), URL, "webhook"),
        (("example.com",), "https://other.test/?token=hush", "webhook.url"),
        (("example.com",), "http://example.com/?token=hush", "webhook.url"),
        (("example.com",), "https://u:hush@example.com/", "webhook.url"),
    ],
)
def test_any_other_is_refused_by_its_field(hosts: tuple[str, ...], url: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        requested(*hosts).url(WebhookRequest(url=url))

    assert [error.field for error in refused.value.errors or ()] == [field]
    assert "hush" not in str(refused.value.detail)
    if "@" not in url:
        assert "WAYBILL_WEBHOOK_HOSTS" in refused.value.detail

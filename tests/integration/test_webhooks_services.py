"""Webhooks of the real services: requested from the API, and called whatever happens to its processes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from local.stack import Stack
from tests.support.certificate_files import Authority
from tests.support.checkout import ROOT
from tests.support.database import Database
from tests.support.lifecycle_stack import API, LifecycleStack, lifecycle_stack
from tests.support.lifecycle_store import engine_of, own_database
from tests.support.receiver import OTHER_SECRET, SECRET, Receiver, free_port, receiving
from tests.support.reports import ended
from tests.support.traces import Traces
from tests.support.waiting import PATIENCE, eventually
from waybill_client import DeliveryStatus, ProblemError, Report, WaybillClient

NOTHING = {"steps": 1, "seconds": 0}
LONG = {"steps": 1, "seconds": 3}
EXAMPLE = re.compile(r"<!-- receiver -->\n```python\n(.+?)```", re.DOTALL)


@dataclass(frozen=True)
class Hooked:
    """Services whose webhooks may call `receiver`, over HTTPS, and `port` of this machine over HTTP."""

    services: LifecycleStack
    client: WaybillClient
    receiver: Receiver
    port: int
    database: Database

    def report(self, report_id: UUID, status: DeliveryStatus, attempts: int = 1) -> Report:
        """Once its delivery is there."""

        def look() -> Report | None:
            report = self.client.show(report_id)
            webhook = report.webhook
            return report if webhook and (webhook.status, webhook.attempts) == (status, attempts) else None

        return eventually(look, f"a delivery that is {status}")


@pytest.fixture(scope="module")
def started(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    folder = tmp_path_factory.mktemp("webhooks")
    authority, port = Authority(folder), free_port()
    with receiving(authority.issue("server").shown()) as receiver:
        settings = {
            "WAYBILL_WEBHOOK_HOSTS": f"{receiver.host},http://127.0.0.1:{port}",
            "WAYBILL_WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8,::1",
            "WAYBILL_WEBHOOK_SECRET": f"{SECRET},{OTHER_SECRET}",
            "WAYBILL_WEBHOOK_RETRY_SECONDS": "0.5,0.5,600",
            "WAYBILL_HTTP_WORKERS": "2",
            "WAYBILL_KAFKA_GROUP": "webhooks",
            "SSL_CERT_FILE": str(authority.file),
        }
        settings |= {
            f"WAYBILL_KAFKA_TOPIC_{name}": f"webhooks-{name.lower()}"
            for name in ("REPORT", "REPORT_STATUS", "REPORT_DEAD_LETTER")
        }
        with (
            own_database(stack.endpoints.database_url, "webhooks") as url,
            lifecycle_stack(stack, url, folder / "run", settings) as services,
            engine_of(url) as engine,
            WaybillClient(services.api_url) as client,
        ):
            yield Hooked(services, client, receiver, port, Database(engine))


@pytest.fixture
def hooked(started: Hooked) -> Hooked:
    started.receiver.calls.clear()
    started.receiver.always(200)
    return started


def test_a_report_is_delivered_and_its_call_is_in_its_trace(hooked: Hooked, traces: Traces) -> None:
    requested = hooked.client.request("slow", NOTHING, webhook=f"{hooked.receiver.url}?token=hush")
    assert requested.webhook
    assert (requested.webhook.status, requested.webhook.url) == ("pending", hooked.receiver.url)

    report = hooked.report(requested.id, DeliveryStatus.DELIVERED)

    (call,) = hooked.receiver.calls
    event = call.verified(SECRET)
    assert event == call.verified(OTHER_SECRET)
    shown = httpx.get(f"{hooked.services.api_url}/api/v1/reports/{report.id}", trust_env=False).json()
    assert shown.pop("webhook")["version"] == report.version
    assert shown.pop("estimate") is None
    assert event == {"type": "report.done", "timestamp": shown["finished_at"], "data": shown}
    assert hooked.client.request("slow", NOTHING).webhook is None
    assert report.trace_id
    trace = traces.whole(report.trace_id, "webhook_delivery")
    span = trace["webhook_delivery"]
    assert span.parent_id == trace["report_request"].id
    assert (span.kind, span.service, span.scope) == ("CLIENT", "producer-api", "waybill")
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["server.address"] == "localhost"
    assert "hush" not in str(span)
    assert "/hook" not in str(span)
    assert call.headers["traceparent"].split("-")[1:3] == [report.trace_id, span.id]


def test_a_receiver_that_is_down_gets_it_later(hooked: Hooked) -> None:
    hooked.receiver.always(503)
    report = hooked.client.request("slow", NOTHING, webhook=hooked.receiver.url)

    failed = hooked.report(report.id, DeliveryStatus.FAILED, 3).webhook
    assert failed
    assert (failed.last_status, failed.last_error) == (503, "It answered 503.")
    assert failed.next_try_at
    hooked.receiver.always(200)

    def delivered() -> bool:
        """A slow machine may not get the answer in time, and would try again in 10 minutes."""
        webhook = hooked.client.show(report.id).webhook
        if webhook and webhook.status is DeliveryStatus.FAILED:
            _make_due(hooked)
        return bool(webhook and webhook.status is DeliveryStatus.DELIVERED and webhook.attempts > 3)

    eventually(delivered, "a delivery after the failed ones")
    assert len({call.id for call in hooked.receiver.calls}) == 1
    assert len({call.body for call in hooked.receiver.calls}) == 1


def test_a_report_that_ends_while_no_api_process_is_there_is_delivered(hooked: Hooked) -> None:
    report = hooked.client.request("slow", LONG, webhook=hooked.receiver.url)
    with hooked.services.killed(API):
        eventually(
            lambda: hooked.database.row(
                "SELECT version FROM webhook_deliveries WHERE report_id = :id", id=report.id
            ),
            "the end",
        )
        assert hooked.receiver.calls == []

    assert hooked.report(report.id, DeliveryStatus.DELIVERED).webhook
    assert [call.verified()["type"] for call in hooked.receiver.calls] == ["report.done"]


def test_a_call_whose_process_is_killed_is_made_again_with_the_same_id(hooked: Hooked) -> None:
    hooked.receiver.hang()
    report = hooked.client.request("slow", NOTHING, webhook=hooked.receiver.url)
    eventually(lambda: hooked.receiver.calls, "the call")

    with hooked.services.killed(API):
        hooked.receiver.always(200)
        _make_due(hooked)

    assert hooked.report(report.id, DeliveryStatus.DELIVERED, 2).webhook
    assert [call.id for call in hooked.receiver.calls] == 2 * [
        f"{report.id}_{ended(hooked.client, report.id).version}"
    ]


def test_two_processes_call_once_each(hooked: Hooked) -> None:
    """There are two API processes, and the calls take longer than their looks at what is due."""
    reports = [hooked.client.request("slow", NOTHING, webhook=hooked.receiver.url) for _ in range(12)]

    for report in reports:
        assert hooked.report(report.id, DeliveryStatus.DELIVERED).webhook

    assert sorted(call.id.partition("_")[0] for call in hooked.receiver.calls) == sorted(
        str(report.id) for report in reports
    )


def _make_due(hooked: Hooked) -> None:
    """As if the time until the next try had passed."""
    hooked.database.execute(
        "UPDATE webhook_deliveries SET next_try_at = clock_timestamp() WHERE next_try_at IS NOT NULL"
    )


# --- requests


def test_a_webhook_is_part_of_what_an_idempotency_key_is_for(hooked: Hooked) -> None:
    url = hooked.receiver.url
    first = hooked.client.request("slow", NOTHING, key="hooked", webhook=url)
    hooked.report(first.id, DeliveryStatus.DELIVERED)

    again = hooked.client.request("slow", NOTHING, key="hooked", webhook=url)
    assert again.id == first.id
    assert again.webhook
    assert again.webhook.status is DeliveryStatus.DELIVERED
    for other in (None, f"{url}?another"):
        with pytest.raises(ProblemError, match="already used for a different request"):
            hooked.client.request("slow", NOTHING, key="hooked", webhook=other)
    assert len(hooked.receiver.calls) == 1


def test_a_target_that_is_not_allowed_is_refused_and_nothing_is_stored(hooked: Hooked) -> None:
    before = hooked.database.count("reports")
    for url in ("https://169.254.169.254/latest", "https://other.test/", "http://localhost/", "nothing"):
        with pytest.raises(ProblemError, match=r"webhook\.url: "):
            hooked.client.request("slow", NOTHING, webhook=url)

    assert hooked.database.count("reports") == before


def test_where_webhooks_are_off_a_request_for_one_says_so(http: httpx.Client) -> None:
    answer = http.post("/api/v1/reports", json={"kind": "dowork", "webhook": {"url": "https://example.com/"}})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "webhook", "message": "webhooks are off, since WAYBILL_WEBHOOK_HOSTS is not set"}
    ]


# --- the page's example


def test_the_receiver_of_the_page_takes_what_is_signed_and_nothing_else(
    hooked: Hooked, tmp_path: Path
) -> None:
    found = EXAMPLE.search((ROOT / "docs/operations.md").read_text())
    assert found
    (tmp_path / "receiver.py").write_text(found[1])
    environment = {**os.environ, "WEBHOOK_SECRET": OTHER_SECRET, "PORT": str(hooked.port)}
    command = [sys.executable, "-u", str(tmp_path / "receiver.py")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{hooked.port}/"
            eventually(lambda: _forged(url) == 401, "the receiver, which refuses what is not signed")
            report = hooked.client.request("slow", NOTHING, webhook=url)

            hooked.report(report.id, DeliveryStatus.DELIVERED)

            assert process.stdout
            assert process.stdout.readline() == f"report.done {report.id}\n"
        finally:
            process.kill()


def _forged(url: str) -> int | None:
    headers = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,bm8="}
    try:
        answer = httpx.post(url, content=b"{}", headers=headers, trust_env=False, timeout=PATIENCE)
    except httpx.TransportError:
        return None
    return answer.status_code

"""Webhooks, from the end of a report to a receiver on loopback: every end is delivered, at least once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from producer_api.webhooks import Caller, WebhookSender
from producer_api.webhooks.signing import Signer
from tests.support.certificate_files import Authority
from tests.support.lifecycle_store import ORIGIN, Policies, Store, engine_of
from tests.support.receiver import OTHER_SECRET, SECRET, Receiver, free_port, receiving
from tests.support.waiting import PATIENCE, eventually, within
from waybill.domain import (
    Carrier,
    Delivery,
    DeliveryPolicy,
    DeliveryStatus,
    DueDelivery,
    End,
    Failure,
    FailureType,
    Fence,
    NewReport,
    Report,
    Retry,
    Status,
    TryOutcome,
    new_report_id,
)
from waybill.outbound import OutboundPolicy, OutboundTimeout, outbound_client
from waybill.store import OutboxMessage, TaskLease

pytest_plugins = ["tests.support.lifecycle_fixtures"]

LOOPBACK = ("127.0.0.0/8", "::1")
MINUTE = timedelta(minutes=1)
POLICY = DeliveryPolicy((timedelta(seconds=5), 5 * MINUTE))
DONE, FAILED = End(Status.DONE), Failure(FailureType.ERROR, "it went wrong", None)
CARRIER = Carrier(f"00-{'a' * 32}-{'b' * 16}-01", "vendor=secret")


def accepted(store: Store, url: str | None, **values: Any) -> Report:
    new = NewReport(new_report_id(), "dowork", {"steps": 1}, CARRIER, webhook=url, **values)
    return store.ledger.accept(new)


def claimed(store: Store, url: str | None) -> tuple[Report, Fence]:
    report = store.claim(accepted(store, url).id)
    assert report
    return report, Fence(report.id, report.attempt, "the test")


def done(store: Store, url: str | None) -> Report:
    _, fence = claimed(store, url)
    return store.ledger.finish(fence, DONE)


class Senders:
    """Processes that call webhooks, in the test's own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: list[WebhookSender] = []

    def __call__(
        self,
        *receivers: Receiver,
        name: str = "a process",
        private: tuple[str, ...] = LOOPBACK,
        policy: DeliveryPolicy = POLICY,
        seconds: float = 15,
        secrets: tuple[str, ...] = (SECRET,),
        **options: Any,
    ) -> WebhookSender:
        allowed = OutboundPolicy.parse(
            (receiver.host for receiver in receivers),
            private,
            hosts_setting="WAYBILL_WEBHOOK_HOSTS",
            networks_setting="WAYBILL_WEBHOOK_PRIVATE_NETWORKS",
        )
        total = timedelta(seconds=seconds)
        client = outbound_client(allowed, OutboundTimeout(min(total, timedelta(seconds=5)), total), **options)
        sender = WebhookSender(
            self._store.webhooks,
            TaskLease(self._store.engine, "webhooks", name, MINUTE),
            policy,
            timedelta(hours=1),
            Caller(client, Signer(secrets), "/waybill").call,
        )
        self._made.append(sender)
        return sender

    def stop(self) -> None:
        for sender in self._made:
            sender.stop()


@pytest.fixture
def senders(store: Store) -> Iterator[Senders]:
    made = Senders(store)
    yield made
    made.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def state(store: Store, report: Report) -> Delivery:
    (found,) = store.webhooks.of([report]).values()
    return found


def send(sender: WebhookSender) -> None:
    """Until the outcomes are written."""
    sender.send_due()
    assert sender.wait_until_idle(PATIENCE)


def after(store: Store, duration: timedelta) -> None:
    store.pass_time(duration * 1.11)  # with what is added at random


# --- the call


def test_a_receiver_gets_the_report_signed(store: Store, senders: Senders, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with receiving(authority.issue("server").shown()) as receiver:
        report = done(store, f"{receiver.url}?token=of-the-receiver")

        send(senders(receiver, tls=authority.trusted(), secrets=(SECRET, OTHER_SECRET)))

        delivery = state(store, report)
        (call,) = receiver.calls
    assert (delivery.status, delivery.attempts, delivery.last_status) == (DeliveryStatus.DELIVERED, 1, 200)
    assert (delivery.version, delivery.next_try_at, delivery.last_error) == (report.version, None, None)
    assert call.path == "/hook?token=of-the-receiver"
    assert call.id == f"{report.id}_{report.version}"
    assert call.headers["content-type"] == "application/json"
    event = call.verified(SECRET)
    assert event == call.verified(OTHER_SECRET)
    assert (event["type"], event["timestamp"]) == ("report.done", event["data"]["finished_at"])
    data = event["data"]
    assert (data["id"], data["status"], data["parameters"]) == (str(report.id), "done", {"steps": 1})
    assert data["links"]["self"] == f"/waybill/api/v1/reports/{report.id}"
    assert "webhook" not in data


def test_a_call_that_was_changed_on_its_way_is_no_longer_verified(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    done(store, receiver.url)
    send(senders(receiver))
    (call,) = receiver.calls

    with pytest.raises(Exception, match="No matching signature"):
        replace(call, body=call.body.replace(b"report.done", b"report.fail")).verified()
    with pytest.raises(Exception, match="No matching signature"):
        call.verified(OTHER_SECRET)


def test_a_receiver_can_go_on_with_the_trace_and_gets_nothing_else_of_it(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    done(store, receiver.url)
    send(senders(receiver))
    (call,) = receiver.calls

    assert call.headers.get("traceparent", CARRIER.traceparent).split("-")[1] == "a" * 32
    assert "tracestate" not in call.headers


# --- every end


def finished(store: Store, url: str) -> None:
    done(store, url)


def failed_for_the_last_time(store: Store, url: str) -> None:
    _, fence = claimed(store, url)
    store.ledger.finish(fence, End(Status.FAIL, FAILED, exhausted=True), origin=ORIGIN)


def cancelled_while_it_waits(store: Store, url: str) -> None:
    store.ledger.cancel(accepted(store, url).id)


def cancelled_while_it_runs(store: Store, url: str) -> None:
    report, fence = claimed(store, url)
    store.ledger.cancel(report.id)
    store.ledger.finish(fence, End(Status.FAIL, FAILED))


def cancelled_instead_of_a_retry(store: Store, url: str) -> None:
    report, fence = claimed(store, url)
    store.ledger.cancel(report.id)
    store.ledger.retry(fence, Retry(FAILED, MINUTE, counted=True))


def cancelled_instead_of_a_release(store: Store, url: str) -> None:
    report, fence = claimed(store, url)
    store.ledger.cancel(report.id)
    store.ledger.release(fence)


def lost_too_often(store: Store, url: str) -> None:
    report = accepted(store, url)
    for _ in range(10):
        store.claim(report.id)
        store.pass_time(timedelta(hours=1))
        store.recovery.recover_lost(timedelta(0))


def refused_by_the_broker(store: Store, url: str) -> None:
    report = accepted(store, url)
    with store.ledger.changes() as changes:
        changes.refuse(OutboxMessage(store.topics.report, str(report.id), {}), "too large")


def ended_by_the_version_before(store: Store, url: str) -> None:
    """Which has no webhooks, and runs on during an upgrade."""
    report = accepted(store, url)
    with store.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE reports SET status = 'cancelled', version = version + 1,"
                " finished_at = clock_timestamp() WHERE id = :id"
            ),
            {"id": report.id},
        )


def ended_while_a_limit_is_set(store: Store, url: str) -> None:
    """Then another statement accepts it."""
    store.limit("owner", max_queued=10)
    accepted(store, None)
    store.ledger.cancel(accepted(store, url).id)


@pytest.mark.parametrize(
    ("end", "event"),
    [
        (finished, "report.done"),
        (failed_for_the_last_time, "report.fail"),
        (cancelled_while_it_waits, "report.cancelled"),
        (cancelled_while_it_runs, "report.cancelled"),
        (cancelled_instead_of_a_retry, "report.cancelled"),
        (cancelled_instead_of_a_release, "report.cancelled"),
        (lost_too_often, "report.fail"),
        (refused_by_the_broker, "report.fail"),
        (ended_by_the_version_before, "report.cancelled"),
        (ended_while_a_limit_is_set, "report.cancelled"),
    ],
)
def test_every_way_to_end_is_delivered_once(
    end: Callable[[Store, str], None], event: str, store: Store, senders: Senders, receiver: Receiver
) -> None:
    end(store, receiver.url)
    sender = senders(receiver)

    send(sender)
    send(sender)

    assert [call.verified()["type"] for call in receiver.calls] == [event]


def test_what_has_not_ended_is_not_called(store: Store, senders: Senders, receiver: Receiver) -> None:
    accepted(store, receiver.url)
    _, fence = claimed(store, receiver.url)
    store.ledger.retry(fence, Retry(FAILED, MINUTE, counted=True))

    send(senders(receiver))

    assert rows(store) == []


def test_a_report_without_a_webhook_writes_nothing(store: Store) -> None:
    done(store, None)

    assert rows(store) == []


def test_an_end_that_does_not_commit_is_no_end(store: Store) -> None:
    report = accepted(store, "https://example.com/")
    with suppress(ZeroDivisionError), store.ledger.changes() as changes:
        assert changes.cancel(report.id)
        raise ZeroDivisionError

    assert rows(store) == []


def test_a_report_that_is_redriven_is_delivered_again_and_its_first_end_as_it_was(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    _, fence = claimed(store, receiver.url)
    first = store.ledger.finish(fence, End(Status.FAIL, FAILED))
    store.dead_letters.redrive(first.id)  # before the call
    again = store.claim(first.id)
    assert again
    second = store.ledger.finish(Fence(first.id, again.attempt, "the test"), DONE)

    send(senders(receiver))

    events = {call.id: call.verified() for call in receiver.calls}
    assert set(events) == {f"{first.id}_{first.version}", f"{first.id}_{second.version}"}
    failed = events[f"{first.id}_{first.version}"]
    assert (failed["type"], failed["data"]["version"]) == ("report.fail", first.version)
    assert failed["data"]["error"]["message"] == "it went wrong"
    assert state(store, second).version == second.version


# --- again and again


def test_a_receiver_that_is_down_gets_it_when_it_is_up(store: Store, senders: Senders) -> None:
    port = free_port()
    with receiving(port=port) as gone:
        report = done(store, gone.url)
        sender = senders(gone)
    send(sender)
    delivery = state(store, report)
    assert (delivery.status, delivery.last_status) == (DeliveryStatus.FAILED, None)
    assert delivery.last_error
    assert "refused" in delivery.last_error

    send(sender)
    assert state(store, report).attempts == 1, "not before its time"
    after(store, POLICY.delays[0])
    with receiving(port=port) as back:
        send(sender)
        assert state(store, report).status is DeliveryStatus.DELIVERED
        assert [call.id for call in back.calls] == [f"{report.id}_{report.version}"]


def test_a_receiver_that_only_fails_is_given_up_after_the_last_try(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    receiver.always(500)
    report = done(store, receiver.url)
    sender = senders(receiver)

    for attempt, wait in enumerate(POLICY.delays, 1):
        send(sender)
        delivery = state(store, report)
        assert delivery.attempts == attempt
        assert (delivery.status, delivery.last_status) == (DeliveryStatus.FAILED, 500)
        assert delivery.next_try_at
        after(store, wait)
    send(sender)
    delivery = state(store, report)
    assert (delivery.status, delivery.next_try_at) == (DeliveryStatus.GIVEN_UP, None)
    assert delivery.last_error == "It answered 500."

    after(store, timedelta(days=30))
    send(sender)
    assert {call.id for call in receiver.calls} == {f"{report.id}_{report.version}"}
    assert len({call.body for call in receiver.calls}) == 1, "each try is the same"
    assert len(receiver.calls) == 3
    assert rows(store)[0]["report"] is None, "nothing is kept for a try that does not come"


def test_a_receiver_that_is_gone_is_not_called_again(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    receiver.always(410)
    report = done(store, receiver.url)

    send(senders(receiver))

    delivery = state(store, report)
    assert (delivery.status, delivery.next_try_at) == (DeliveryStatus.GIVEN_UP, None)


def test_a_redirect_is_not_followed(store: Store, senders: Senders, receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.always(307, Location=inside.url)
        report = done(store, receiver.url)

        send(senders(receiver, inside))

        delivery = state(store, report)
        assert (delivery.status, delivery.last_status) == (DeliveryStatus.FAILED, 307)
        assert inside.calls == []


def test_an_answer_without_an_end_is_not_read(store: Store, senders: Senders, receiver: Receiver) -> None:
    written = 0

    def endless(handler: Any) -> None:
        nonlocal written
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(b"x" * 65536)
                written += 65536

    receiver.answer = endless
    report = done(store, receiver.url)

    with within(30):
        send(senders(receiver, seconds=60))
        assert state(store, report).status is DeliveryStatus.DELIVERED
    assert written < 64 * 1024 * 1024


def test_a_fault_of_ours_counts_as_a_try(store: Store) -> None:
    def breaks(_: DueDelivery) -> TryOutcome:
        raise ZeroDivisionError

    report = done(store, "https://example.com/?token=of-the-receiver")
    lease = store.lease_of_task("webhooks", MINUTE)
    sender = WebhookSender(store.webhooks, lease, POLICY, timedelta(hours=1), breaks)

    send(sender)

    delivery = state(store, report)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 1)
    assert "could not be called" in str(delivery.last_error)


# --- who must not be called


@pytest.mark.parametrize("listed", [True, False])
def test_a_name_on_loopback_is_called_only_where_that_network_is_listed(
    listed: bool, store: Store, senders: Senders, tmp_path: Path
) -> None:
    """By the system's resolver: `localhost` is allowed as a host."""
    authority = Authority(tmp_path)
    with receiving(authority.issue("server").shown()) as receiver:
        report = done(store, receiver.url)

        send(senders(receiver, private=LOOPBACK if listed else (), tls=authority.trusted()))

        delivery = state(store, report)
        assert len(receiver.calls) == listed
    if not listed:
        assert delivery.last_error
        assert "WAYBILL_WEBHOOK_PRIVATE_NETWORKS" in delivery.last_error
        assert "127.0.0.1" not in delivery.last_error


def test_a_public_name_that_means_loopback_is_not_called(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    receiver_of_others = f"http://rebinding.test:{receiver.server_port}"
    report = done(store, f"{receiver_of_others}/hook")
    allowed = OutboundPolicy.parse([receiver_of_others], hosts_setting="", networks_setting="NETWORKS")
    client = outbound_client(allowed, resolver=lambda *_: ["127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1"])
    (due,) = store.webhooks.claim(POLICY, 1, {})

    outcome = Caller(client, Signer([SECRET]), "").call(due)

    assert (outcome.status, outcome.is_delivered) == (None, False)
    assert "NETWORKS" in str(outcome.error)
    assert receiver.calls == []
    assert report.id == due.report.id


def test_a_host_that_is_no_longer_allowed_is_not_called(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    report = done(store, receiver.url)

    send(senders())

    assert "WAYBILL_WEBHOOK_HOSTS" in str(state(store, report).last_error)
    assert receiver.calls == []


# --- receivers that are slow


def test_receivers_that_hang_delay_no_other_and_not_the_sender(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    """Each host has its share of the places; the look at what is due does not wait for answers."""
    policy = replace(POLICY, places=3, places_of_host=2)
    with receiving() as hanging:
        hanging.hang()
        stuck = [done(store, hanging.url) for _ in range(5)]
        sender = senders(hanging, receiver, policy=policy, seconds=120)
        sender.send_due()
        eventually(lambda: len(hanging.calls) == 2, "as many calls as the host has places")

        reports = [done(store, receiver.url) for _ in range(4)]
        for report in reports:
            sender.send_due()
            eventually(
                lambda report=report: sender.send_due() or state(store, report).status == "delivered",  # type: ignore[misc,func-returns-value]
                "a delivery to another host",
            )

        assert len(hanging.calls) == 2
        assert {state(store, report).status for report in stuck} == {DeliveryStatus.PENDING}


def test_a_receiver_that_hangs_is_left_at_the_deadline(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    receiver.hang()
    report = done(store, receiver.url)

    send(senders(receiver, seconds=0.5))

    delivery = state(store, report)
    assert (delivery.status, delivery.last_error) == (DeliveryStatus.FAILED, "It did not answer in time.")


# --- processes


def test_a_try_whose_process_is_gone_is_made_again(
    store: Store, senders: Senders, receiver: Receiver
) -> None:
    report = done(store, receiver.url)
    (lost,) = store.webhooks.claim(POLICY, 10, {})
    sender = senders(receiver)
    send(sender)
    assert receiver.calls == [], "another process may be calling it"

    store.pass_time(POLICY.claim)
    send(sender)

    assert state(store, report).status is DeliveryStatus.DELIVERED
    assert [call.id for call in receiver.calls] == [lost.message_id]
    store.webhooks.ended(POLICY, lost, TryOutcome(500, "It answered 500."))
    assert state(store, report).status is DeliveryStatus.DELIVERED, "what the first one says comes too late"


def test_several_processes_get_each_delivery_once(store: Store, store_url: str) -> None:
    policy = replace(POLICY, places_of_host=7)
    expected = {done(store, f"https://host{number % 9}.example/").id for number in range(60)}

    def claim(_: int) -> list[Any]:
        with engine_of(store_url) as engine:
            webhooks = Store(engine, store.artefacts, Policies()).webhooks
            taken = []
            while due := webhooks.claim(policy, 10, {}):
                taken += [one.report.id for one in due]
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [report_id for share in pool.map(claim, range(4)) for report_id in share]

    assert len(taken) == len(set(taken))
    assert set(taken) == expected


def test_one_process_at_a_time_calls(store: Store, senders: Senders, receiver: Receiver) -> None:
    first, second = senders(receiver, name="first"), senders(receiver, name="second")
    send(first)
    report = done(store, receiver.url)

    send(second)
    assert state(store, report).attempts == 0
    send(first)

    assert state(store, report).status is DeliveryStatus.DELIVERED


def test_a_delivery_goes_with_its_report(store: Store, receiver: Receiver) -> None:
    report = done(store, receiver.url)
    with store.ledger.changes() as changes:
        changes.remove([report.id])

    assert rows(store) == []


def rows(store: Store) -> list[dict[str, Any]]:
    with store.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text("SELECT * FROM webhook_deliveries")).mappings()]

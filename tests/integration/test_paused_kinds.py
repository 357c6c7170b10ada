"""A kind that is paused: its reports are accepted and wait, and everything else goes on."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from tests.support import lifecycle as ask
from tests.support.access import HERS, Access, Person, access
from tests.support.busy_workers import ANN, BOB, BOUND, GIL, Workers, request
from tests.support.database import Database
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.lifecycle_store import Store
from tests.support.waiting import eventually
from waybill.domain import Action, Actor, End, Failure, Owner, Retry, Role, Status
from waybill.ledger import KindLimits
from waybill.store import AuditFilter
from waybill.store.statements import dispatch

pytest_plugins = ["tests.support.lifecycle_fixtures"]

ROOT = Actor(Owner("acme", "root"), "the test")
SLOW = "slow"


@pytest.fixture
def busy(store: Store) -> Workers:
    return Workers(store, 1, partitions=1)


def row(store: Store, report_id: UUID) -> Any:
    with store.engine.connect() as connection:
        return connection.execute(text("SELECT * FROM reports WHERE id = :id"), {"id": report_id}).one()


def test_its_reports_are_accepted_and_wait_until_it_is_resumed(store: Store, busy: Workers) -> None:
    store.kind_limits.pause(ROOT, SLOW, "the source is away")
    slow = [request(store, ANN, kind=SLOW) for _ in range(3)]
    others = [request(store, ANN) for _ in range(3)]

    busy.run(20)
    store.recovery.requeue_due()
    busy.run(20)
    assert busy.started == others
    assert {store.ledger.get(one).status for one in slow} == {Status.INIT}  # type: ignore[union-attr]

    store.kind_limits.resume(ROOT, SLOW)
    store.recovery.requeue_due()
    busy.run(20)
    assert busy.started == [*others, *slow], "in the order of their requests"
    store.recovery.requeue_due()
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM kind_limits")).all() == []


def test_those_that_wait_already_get_out_of_the_way_of_others(store: Store, busy: Workers) -> None:
    slow = [request(store, ANN, kind=SLOW) for _ in range(100)]
    others = [request(store, ANN) for _ in range(5)]
    store.kind_limits.pause(ROOT, SLOW, None)

    for _ in range(3):
        refuse_what_has_commands(store, busy)
        store.recovery.requeue_due()
        busy.run(20)

    assert busy.started == others
    store.kind_limits.resume(ROOT, SLOW)
    for _ in range(20):
        store.recovery.requeue_due()
        busy.run(20)
    assert sorted(busy.started) == sorted([*others, *slow])


def refuse_what_has_commands(store: Store, busy: Workers) -> None:
    """As the intake of a worker does that reads the commands of a paused kind."""
    for partition in busy.partitions:
        for report_id in list(partition):
            if row(store, report_id).kind == SLOW:
                assert store.claim(report_id) is None
                assert store.ledger.let_wait(report_id)
                partition.remove(report_id)


def test_one_that_has_a_command_waits_and_loses_nothing(store: Store, busy: Workers) -> None:
    report_id = request(store, ANN, kind=SLOW)
    store.kind_limits.pause(ROOT, SLOW, None)

    refuse_what_has_commands(store, busy)

    waiting = row(store, report_id)
    assert (waiting.status, waiting.attempt, waiting.losses, waiting.version) == ("init", 0, 0, 1)
    store.pass_time(timedelta(hours=1))
    assert store.recovery.recover_lost(timedelta(0)) == []
    assert store.recovery.requeue_due() == []
    assert row(store, report_id).losses == 0
    assert store.ledger.get(report_id).not_before is None  # type: ignore[union-attr]

    store.kind_limits.resume(ROOT, SLOW)
    store.has_worker(3, 4)
    assert [one.id for one in store.recovery.requeue_due()] == [report_id]
    busy.run(5)
    assert busy.started == [report_id]


def test_one_whose_kind_was_resumed_meanwhile_gets_another_command(store: Store, busy: Workers) -> None:
    report_id = request(store, ANN, kind=SLOW)
    store.kind_limits.pause(ROOT, SLOW, None)
    assert store.claim(report_id) is None
    store.kind_limits.resume(ROOT, SLOW)

    assert store.ledger.let_wait(report_id)

    assert [one.id for one in store.recovery.requeue_due()] == [report_id]


def test_those_that_run_go_on_and_their_retries_wait(store: Store, busy: Workers) -> None:
    report_id = request(store, ANN, kind=SLOW)
    busy.fill()
    store.kind_limits.pause(ROOT, SLOW, None)

    store.ledger.heartbeat(busy.running[0])
    store.ledger.retry(busy.running.pop(), Retry(Failure("error", "Once more."), timedelta(minutes=1)))
    store.pass_time(timedelta(minutes=2))
    store.has_worker(3, 4)
    assert store.recovery.requeue_due() == []
    assert row(store, report_id).failures == 1

    store.kind_limits.resume(ROOT, SLOW)
    assert [one.id for one in store.recovery.requeue_due()] == [report_id]


def test_a_retry_that_is_due_and_a_redriven_report_never_wait_for_room(store: Store, busy: Workers) -> None:
    retried, failed = request(store, ANN, kind=SLOW), request(store, ANN, kind=SLOW)
    busy.fill()
    by_id = {fence.report_id: fence for fence in busy.running}
    store.ledger.retry(by_id[retried], Retry(Failure("error", "Once more."), timedelta(minutes=1)))
    store.ledger.finish(by_id[failed], End(Status.FAIL, Failure("error", "No."), exhausted=True))
    store.pass_time(timedelta(minutes=2))
    store.kind_limits.pause(ROOT, SLOW, None)

    with store.engine.begin() as connection:
        dispatch.join_retries(connection, 10)
    store.dead_letters.redrive(failed, None, ROOT)

    with store.engine.connect() as connection:
        found = connection.execute(text("SELECT id FROM reports WHERE enqueue_at >= '9999-01-01'"))
        assert set(found.scalars()) == {retried, failed}


def test_one_that_waits_can_be_cancelled(store: Store, busy: Workers) -> None:
    store.kind_limits.pause(ROOT, SLOW, None)
    report_id = request(store, ANN, kind=SLOW)

    cancelled = store.ledger.cancel(report_id)

    assert cancelled is not None
    assert cancelled.status is Status.CANCELLED
    store.dead_letters.redrive(report_id)
    assert store.recovery.requeue_due() == []
    store.kind_limits.resume(ROOT, SLOW)
    busy.run(5)
    store.recovery.requeue_due()
    busy.run(5)
    assert busy.started == [report_id]


@pytest.mark.parametrize("seed", range(3))
def test_while_a_kind_with_many_reports_is_paused_another_tenants_report_starts_as_soon(
    store: Store, seed: int
) -> None:
    busy = Workers(store, seed)
    store.kind_limits.pause(ROOT, SLOW, None)
    for _ in range(20 * BOUND):
        request(store, ANN, kind=SLOW)
        request(store, BOB)
    busy.run(BOUND)

    assert busy.others_before(request(store, GIL)) <= busy.bound


def test_after_it_is_resumed_all_tenants_have_their_turns(store: Store, busy: Workers) -> None:
    store.kind_limits.pause(ROOT, SLOW, None)
    for _ in range(10 * BOUND):
        request(store, ANN, kind=SLOW)
    late = request(store, GIL, kind=SLOW)
    store.kind_limits.resume(ROOT, SLOW)
    store.recovery.requeue_due()

    assert busy.others_before(late) <= busy.bound


def test_a_pause_and_a_limit_do_not_forget_each_other(store: Store) -> None:
    store.kind_limits.limit(ROOT, SLOW, 2)
    first = store.kind_limits.pause(ROOT, SLOW, "a")
    again = store.kind_limits.pause(ROOT, SLOW, "b")

    assert (again.max_running, again.paused_at, again.paused_by, again.reason) == (
        2,
        first.paused_at,
        "root",
        "b",
    )
    assert store.kind_limits.all() == {SLOW: again}
    resumed = store.kind_limits.resume(ROOT, SLOW)
    assert (resumed.max_running, resumed.paused_at, resumed.reason) == (2, None, None)
    assert store.kind_limits.limit(ROOT, SLOW, None).max_running is None
    assert store.kind_limits.all() == {}


# --- with services


@pytest.fixture
def paused(lifecycle_store: Store) -> Iterator[KindLimits]:
    """What pauses kinds of the services; none is afterwards."""
    yield lifecycle_store.kind_limits
    lifecycle_store.kind_limits.resume(ROOT, SLOW)


def test_workers_do_other_kinds_meanwhile(
    lifecycle: LifecycleStack, api: httpx.Client, paused: KindLimits
) -> None:
    paused.pause(ROOT, SLOW, None)
    slow = [ask.request(api, SLOW, steps=1, seconds=0) for _ in range(3)]
    other = ask.request(api, "dowork", steps=1, max_step_ms=0)

    eventually(lambda: ask.show(api, other)["status"] == "done", "the end of the other")
    assert [ask.show(api, one)["status"] for one in slow] == ["init"] * 3
    assert [ask.show(api, one)["kind_paused"] for one in slow] == [True] * 3
    paused.resume(ROOT, SLOW)

    eventually(lambda: {ask.show(api, one)["status"] for one in slow} == {"done"}, "the end of all")


def test_a_command_that_is_in_kafka_is_no_attempt(
    lifecycle: LifecycleStack, lifecycle_database: Database, api: httpx.Client, paused: KindLimits
) -> None:
    def columns() -> dict[str, Any]:
        (found,) = lifecycle_database.rows(
            "SELECT status, attempt, losses, not_before >= '9000-01-01' AS waits FROM reports WHERE id = :id",
            id=UUID(report_id),
        )
        return found

    with lifecycle.killed(WORKER):
        report_id = ask.request(api, SLOW, steps=1, seconds=0)
        eventually(lambda: lifecycle_database.rows("SELECT 1 FROM publications") == [], "its command is sent")
        paused.pause(ROOT, SLOW, None)

    eventually(lambda: columns()["waits"], "its command is read")
    assert columns() == {"status": "init", "attempt": 0, "losses": 0, "waits": True}
    paused.resume(ROOT, SLOW)

    eventually(lambda: columns()["status"] == "done", "its end")
    assert columns()["attempt"] == 1


# --- by the API


@pytest.fixture
def edge(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def asked(edge: Access, who: Person, method: str, path: str, **body: Any) -> Any:
    answer = edge.client.open(path, method=method, headers=who.headers, json=body or None)
    return answer.status_code, answer.get_json()


def test_an_admin_pauses_resumes_and_limits_a_kind_and_all_see_it(edge: Access, store: Store) -> None:
    root = edge.person("root", "default", Role.ADMIN)

    status, paused = asked(edge, root, "POST", "/api/v1/kinds/dowork:pause", reason="the source is away")
    assert (status, paused["paused_by"], paused["reason"]) == (200, "root", "the source is away")
    asked(edge, root, "POST", "/api/v1/kinds/dowork:limit", max_running=7)

    (listed,) = [
        kind for kind in asked(edge, edge.ann, "GET", "/api/v1/kinds")[1]["kinds"] if kind["name"] == "dowork"
    ]
    assert (listed["paused_at"], listed["reason"], listed["max_running"]) == (
        paused["paused_at"],
        "the source is away",
        7,
    )
    assert "paused_by" not in listed, "of another tenant"
    status, report = asked(edge, edge.ann, "POST", "/api/v1/reports", kind="dowork")
    assert (status, report["status"], report["kind_paused"], report["not_before"]) == (
        202,
        "init",
        True,
        None,
    )
    address = f"/api/v1/reports/{report['id']}"
    assert asked(edge, edge.ann, "GET", address)[1]["kind_paused"]
    assert [one["kind_paused"] for one in asked(edge, edge.ann, "GET", "/api/v1/reports")[1]["reports"]] == [
        True
    ]

    asked(edge, root, "POST", "/api/v1/kinds/dowork:resume")
    assert not asked(edge, edge.ann, "GET", address)[1]["kind_paused"]
    asked(edge, root, "POST", "/api/v1/kinds/dowork:limit", max_running=None)
    entries = store.ledger.audit(AuditFilter())
    kinds = [(one.event.action, one.event.subject, one.event.tenant) for one in entries]
    assert kinds[:4] == [
        (Action.LIMIT_KIND, "dowork: any number", "*"),
        (Action.RESUME_KIND, "dowork", "*"),
        (Action.REQUEST, None, HERS),
        (Action.LIMIT_KIND, "dowork: 7", "*"),
    ]
    assert kinds[4] == (Action.PAUSE_KIND, "dowork", "*")


def test_one_that_is_no_longer_installed_is_listed_and_can_be_resumed(edge: Access, store: Store) -> None:
    root = edge.person("root", "default", Role.ADMIN)
    store.kind_limits.pause(ROOT, "trains", "before it was removed")

    unavailable = asked(edge, edge.ann, "GET", "/api/v1/kinds")[1]["unavailable"]
    (found,) = [one for one in unavailable if one["name"] == "trains"]
    assert found["reason"] == "It is not installed here, and is paused."

    assert asked(edge, root, "POST", "/api/v1/kinds/trains:resume")[0] == 200
    assert asked(edge, root, "POST", "/api/v1/kinds/trains:pause", reason="again")[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("trains:pause", {"reason": "a"}, (404, "/problems/no-such-kind")),
        ("dowork:pause", {"reason": ""}, (422, "/problems/wrong-request")),
        ("dowork:pause", {"reason": "\0"}, (422, "/problems/wrong-request")),
        ("dowork:limit", {"max_running": -1}, (422, "/problems/wrong-request")),
        ("dowork:limit", {"max_running": 2**31}, (422, "/problems/wrong-request")),
        ("dowork:limit", {"more": 1}, (422, "/problems/wrong-request")),
    ],
)
def test_what_cannot_be_is_refused(
    edge: Access, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    root = edge.person("root", "default", Role.ADMIN)

    status, problem = asked(edge, root, "POST", f"/api/v1/kinds/{path}", **body)

    assert (status, problem["type"]) == expected

"""What several threads write at the same time is one transaction, in which none spoils the others."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.lifecycle_store import Store
from tests.support.waiting import eventually
from waybill.domain import (
    End,
    Fence,
    LeasePolicy,
    NewReport,
    Progress,
    Report,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    new_report_id,
)
from waybill.ledger import LeaseLost, Ledger, Nowhere, Transactions
from waybill.ledger.batch import write_all
from waybill.ledger.writes import Steps
from waybill.store import StoreUnavailable, create_engine

pytest_plugins = ["tests.support.lifecycle_fixtures"]

DONE = End(Status.DONE)
STEP = StepTaken(StepChange("s", StepStatus.RUNNING), Progress("s", 0, 1))


def requested(**parameters: object) -> NewReport:
    return NewReport(new_report_id(), "dowork", parameters, None)


def claimed(store: Store) -> Fence:
    report = store.claim(store.ledger.accept(requested()).id)
    assert report is not None
    return Fence(report.id, report.attempt, "the test")


def transaction_of(store: Store, report_id: UUID) -> str:
    """The one that has written the row last."""
    with store.engine.connect() as connection:
        statement = text("SELECT xmin::text FROM reports WHERE id = :id")
        return str(connection.execute(statement, {"id": report_id}).scalar_one())


@contextmanager
def held_up(store: Store, report_id: UUID) -> Iterator[None]:
    """Another transaction has locked the report."""
    with store.engine.begin() as connection:
        connection.execute(text("SELECT FROM reports WHERE id = :id FOR UPDATE"), {"id": report_id})
        yield


def waits_for_a_lock(store: Store) -> bool:
    statement = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with store.engine.connect() as connection:
        return bool(connection.execute(text(statement)).scalar_one())


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def test_what_comes_while_one_writes_is_one_transaction(store: Store, threads: ThreadPoolExecutor) -> None:
    first, ending, stepping = claimed(store), claimed(store), claimed(store)
    waiting = store.ledger.accept(requested()).id
    with held_up(store, first.report_id):
        threads.submit(store.ledger.finish, first, DONE)
        eventually(lambda: waits_for_a_lock(store), "the first write, which waits")
        others: list[Future[Report] | Future[Report | None]] = [
            threads.submit(store.ledger.finish, ending, DONE),
            threads.submit(store.ledger.steps, stepping, [STEP]),
            threads.submit(store.claim, waiting),
            threads.submit(store.ledger.accept, requested()),
        ]
        eventually(lambda: store.ledger.writer.waiting == len(others), "the others, which wait for it")

    reports = [other.result() for other in others]

    assert all(reports)
    assert len({transaction_of(store, report.id) for report in reports if report}) == 1


def test_what_was_begun_is_written_with_the_next_change(store: Store) -> None:
    """So that a slot's next report is claimed in the transaction that ends its last one."""
    running = claimed(store)
    waiting = store.ledger.accept(requested()).id

    claim = store.ledger.begin_claim(waiting, "the test", alone=False)
    store.ledger.finish(running, DONE)

    assert transaction_of(store, waiting) == transaction_of(store, running.report_id)
    report = claim.result()
    assert report is not None
    assert (report.id, report.status) == (waiting, Status.PROCESSING)


def test_what_was_begun_is_written_when_it_is_asked_for(store: Store) -> None:
    claim = store.ledger.begin_claim(store.ledger.accept(requested()).id, "the test", alone=False)

    assert claim.result() is not None
    assert claim.result() is claim.result(), "once"


def test_of_two_claims_of_a_report_in_one_transaction_one_gets_it(store: Store) -> None:
    """Kafka may have doubled its command."""
    report_id = store.ledger.accept(requested()).id

    claims = [store.ledger.begin_claim(report_id, "the test", alone=False) for _ in range(2)]

    claimed_by = [claim for claim in claims if claim.result()]
    assert len(claimed_by) == 1
    report = store.ledger.get(report_id)
    assert report is not None
    assert (report.attempt, report.version) == (1, 2)


def test_a_refused_change_spoils_no_other_of_its_transaction(store: Store) -> None:
    lost = claimed(store)
    store.pass_time(timedelta(hours=1))
    held, claim = claimed(store), store.ledger.begin_claim(new_report_id(), "the test", alone=False)

    with pytest.raises(LeaseLost):
        store.ledger.finish(lost, DONE)
    assert claim.result() is None, "there is no such report"
    assert store.ledger.finish(held, DONE).status is Status.DONE
    report = store.ledger.get(lost.report_id)
    assert report is not None
    assert report.status is Status.PROCESSING


def test_a_change_that_the_database_does_not_take_spoils_no_other(
    store: Store, threads: ThreadPoolExecutor
) -> None:
    """It is the only one that fails: the others are written one by one."""
    first, good = claimed(store), claimed(store)
    with held_up(store, first.report_id):
        threads.submit(store.ledger.finish, first, DONE)
        eventually(lambda: waits_for_a_lock(store), "the first write, which waits")
        ended = threads.submit(store.ledger.finish, good, DONE)
        accepted = threads.submit(store.ledger.accept, requested(text="\0"))
        eventually(lambda: store.ledger.writer.waiting == 2, "both, which wait for it")

    assert ended.result().status is Status.DONE
    with pytest.raises(Exception, match="unsupported Unicode escape sequence"):
        accepted.result()


def test_what_fails_together_with_the_commit_is_not_written(store: Store) -> None:
    """The events of a transaction go to the database with its commit, whose success says nothing of them."""
    held, waiting = claimed(store), store.ledger.accept(requested()).id
    with store.engine.begin() as connection:
        connection.execute(_TAKE_VERSION_2, {"id": waiting})

    claim = store.ledger.begin_claim(waiting, "the test", alone=False)
    assert store.ledger.finish(held, DONE).status is Status.DONE
    with pytest.raises(IntegrityError, match="report_changes_pkey"):
        claim.result()

    report = store.ledger.get(waiting)
    assert report is not None
    assert (report.status, report.version) == (Status.INIT, 1)


_TAKE_VERSION_2 = text(
    "INSERT INTO report_changes (report_id, version, type, data, at) VALUES (:id, 2, 'status', '{}', now())"
)


def test_a_change_that_waits_for_a_lock_delays_the_others_for_a_moment_only(
    store: Store, threads: ThreadPoolExecutor
) -> None:
    locked, free = claimed(store), claimed(store)
    with held_up(store, locked.report_id):
        claim = store.ledger.begin_claim(new_report_id(), "the test", alone=False)  # so that it is a batch
        waiting = threads.submit(store.ledger.finish, locked, DONE)
        eventually(lambda: waits_for_a_lock(store), "the write of the locked report")

        assert store.ledger.finish(free, DONE).status is Status.DONE

        assert not waiting.done()
        assert claim.result() is None
    assert waiting.result().status is Status.DONE


def test_all_that_wait_learn_that_the_database_is_away(store: Store, threads: ThreadPoolExecutor) -> None:
    engine = create_engine("postgresql://nobody@127.0.0.1:1/nothing", application="tests")
    ledger = Ledger(Transactions(engine, store.topics, Nowhere()), LeasePolicy())

    asked = [threads.submit(ledger.accept, requested()) for _ in range(8)]

    for one in asked:
        with pytest.raises(StoreUnavailable):
            one.result()


def test_the_server_sees_that_a_transaction_is_idle(store: Store) -> None:
    """Else it would not end that of a process that was stopped in the middle of it, and its locks would
    last."""
    running = claimed(store)
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        " AND datname = current_database() AND application_name = 'tests'"
    )
    with store.transactions.direct_changes(briefly=False) as changes:
        write_all(changes, [Steps(running, [STEP])], LeasePolicy())

        with store.engine.connect() as connection:
            assert connection.execute(statement).scalar_one() == 1

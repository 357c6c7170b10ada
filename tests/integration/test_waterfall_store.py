"""What the database keeps for a waterfall: what claims say of the waits, and how long steps usually take."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.lifecycle_store import Store, attempt_trace
from waybill.domain import (
    End,
    Fence,
    NewReport,
    Owner,
    Progress,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    new_report_id,
)
from waybill.messages import StatusEvent

pytest_plugins = ["tests.support.lifecycle_fixtures"]

READ_AT = 1_795_000_000_000_000_000


def accepted(store: Store, owner: Owner) -> UUID:
    return store.ledger.accept(NewReport(new_report_id(), "slow", {}, None, owner=owner)).id


def done(store: Store, owner: Owner, milliseconds: int, status: Status = Status.DONE) -> None:
    report = store.claim(accepted(store, owner), "the test")
    assert report is not None
    fence = Fence(report.id, report.attempt, "the test")
    steps = [
        StepTaken(StepChange("load", StepStatus.RUNNING), Progress("load", 0, 2)),
        StepTaken(StepChange("load", StepStatus.DONE, milliseconds), Progress("load", 1, 2)),
        StepTaken(StepChange("kept", StepStatus.DONE, 1, None, 1), Progress("kept", 2, 2)),
    ]
    store.ledger.steps(fence, steps)
    store.ledger.finish(fence, End(status))


def events(store: Store, report_id: UUID) -> list[StatusEvent]:
    return [StatusEvent.model_validate(one.data) for one in store.ledger.events_after(report_id, 0, 99)]


def test_a_claim_says_what_its_report_has_waited_for(store: Store) -> None:
    report_id = accepted(store, Owner("default", "me"))
    spans = replace(attempt_trace(1), published_at=READ_AT - 10**9, read_at=READ_AT)
    store.claim(report_id, "the test", spans)
    requested, claimed = events(store, report_id)

    assert requested.waited is None
    assert claimed.waited is not None
    assert claimed.waited.commanded_at == requested.created_at
    assert claimed.waited.published_at is not None
    assert claimed.waited.read_at == claimed.waited.published_at + timedelta(seconds=1)


def test_an_attempt_that_was_lost_is_told_from_one_that_was_given_back(store: Store) -> None:
    report_id = accepted(store, Owner("default", "me"))
    store.claim(report_id, "the test")
    store.ledger.release(Fence(report_id, 1, "the test"))
    store.claim(report_id, "the test")
    store.pass_time(timedelta(hours=1))
    store.recovery.recover_lost(timedelta(0))

    ended = [one for one in events(store, report_id) if one.status is Status.INIT][1:]
    assert [one.worker_lost for one in ended] == [False, True]


@pytest.mark.parametrize("tenant", ["default", "other"])
def test_the_usual_time_is_the_median_in_the_tenants_own_reports(store: Store, tenant: str) -> None:
    owner = Owner(tenant, "me")
    for milliseconds in (100, 900, 200):
        assert store.ledger.usual_step_times("slow", tenant) == {}
        done(store, owner, milliseconds)
        done(store, Owner("another", "me"), 5000)
    done(store, owner, 7000, Status.FAIL)

    assert store.ledger.usual_step_times("slow", tenant) == {"load": 200}
    assert store.ledger.usual_step_times("flaky", tenant) == {}

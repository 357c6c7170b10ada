"""Changes of several reports are one transaction, and the relay gets what it publishes after its commit."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.lifecycle_store import Store
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
from waybill.ledger import Committed, LeaseLost
from waybill.ledger.batch import write_all
from waybill.ledger.writes import Conclusion, Steps
from waybill.store import OutboxMessage

pytest_plugins = ["tests.support.lifecycle_fixtures"]

STEP = StepTaken(StepChange("s", StepStatus.RUNNING), Progress("s", 0, 1))
LEASE = LeasePolicy()


def end_after_a_step(fence: Fence) -> Conclusion:
    return Conclusion(fence, End(Status.DONE), [STEP])


def accepted(store: Store) -> UUID:
    return store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None)).id


def claimed(store: Store) -> Fence:
    report = store.claim(accepted(store), "the test")
    assert report is not None
    return Fence(report.id, report.attempt, "the test")


def events_of(store: Store, report_id: UUID) -> list[tuple[int, str]]:
    return [(event.version, event.type) for event in store.ledger.events_after(report_id, 2, 1000)]


def test_what_several_reports_have_to_publish_is_handed_over_once_after_the_commit(store: Store) -> None:
    first, second = claimed(store), claimed(store)
    store.committed.clear()
    versions_then: dict[str, int] = {}

    def hand_over(left: Committed) -> None:
        for entry in left.entries:
            assert entry.key not in versions_then, "once for each report"
            report = store.ledger.get(UUID(entry.key))  # on another connection
            versions_then[entry.key] = report.version if report else 0

    store.hand_over = hand_over
    with store.ledger.changes() as changes:
        write_all(changes, [Steps(first, [STEP]), Steps(second, [STEP])], LEASE)
        write_all(changes, [Conclusion(first, End(Status.DONE))], LEASE)
        assert versions_then == {}

    assert versions_then == {str(first.report_id): 4, str(second.report_id): 3}
    assert events_of(store, first.report_id) == [(3, "step"), (4, "status")]
    assert events_of(store, second.report_id) == [(3, "step")]


def test_steps_that_are_written_together_are_changes_of_their_own(store: Store) -> None:
    fence = claimed(store)
    steps = [
        StepTaken(StepChange("a", StepStatus.RUNNING), Progress("a", 0, 2)),
        StepTaken(StepChange("a", StepStatus.DONE, 7), Progress("a", 1, 2)),
        StepTaken(StepChange("b", StepStatus.RUNNING), Progress("b", 1, 2)),
    ]

    store.ledger.finish(fence, End(Status.DONE), steps=steps)

    told = [event.data for event in store.ledger.events_after(fence.report_id, 2, 1000)]
    assert [one["version"] for one in told] == [3, 4, 5, 6]
    assert [one["type"] for one in told] == ["step", "step", "step", "status"]
    assert [one["status"] for one in told] == ["processing", "processing", "processing", "done"]
    assert [(one["step"]["name"], one["step"]["status"]) for one in told[:3]] == [
        ("a", "running"),
        ("a", "done"),
        ("b", "running"),
    ]
    assert [one["progress"] for one in told] == [
        {"step": "a", "done": 0, "total": 2},
        {"step": "a", "done": 1, "total": 2},
        *[{"step": "b", "done": 1, "total": 2}] * 2,
    ]
    assert [one["finished_at"] is None for one in told] == [True] * 3 + [False]


def test_an_attempt_that_lost_its_lease_writes_neither_its_steps_nor_its_end(store: Store) -> None:
    fence = claimed(store)
    store.pass_time(timedelta(hours=1))
    before = store.ledger.get(fence.report_id)

    with pytest.raises(LeaseLost):
        store.ledger.finish(fence, End(Status.DONE), steps=[STEP])
    with pytest.raises(LeaseLost):
        store.ledger.release(fence, [STEP])
    with pytest.raises(LeaseLost):
        store.ledger.steps(fence, [STEP])

    assert store.ledger.get(fence.report_id) == before
    assert events_of(store, fence.report_id) == []


def test_a_block_that_raises_changes_nothing_and_hands_nothing_over(store: Store) -> None:
    first, second = claimed(store), claimed(store)
    store.committed.clear()
    before = [store.ledger.get(fence.report_id) for fence in (first, second)]

    with pytest.raises(ZeroDivisionError), store.ledger.changes() as changes:
        write_all(changes, [Steps(first, [STEP]), Conclusion(second, End(Status.DONE))], LEASE)
        raise ZeroDivisionError

    assert [store.ledger.get(fence.report_id) for fence in (first, second)] == before
    assert events_of(store, first.report_id) == []
    assert store.handed_over == []


def test_an_attempt_that_lost_its_lease_does_not_take_the_others_with_it(store: Store) -> None:
    lost = claimed(store)
    store.pass_time(timedelta(hours=1))
    held = claimed(store)
    store.committed.clear()

    with store.ledger.changes() as changes:
        ended, refused = write_all(changes, [end_after_a_step(held), end_after_a_step(lost)], LEASE)

    assert isinstance(ended, Report)
    assert isinstance(refused, LeaseLost)
    assert events_of(store, held.report_id) == [(3, "step"), (4, "status")]
    assert events_of(store, lost.report_id) == []
    assert store.handed_over == [str(held.report_id)]


def test_the_end_of_a_report_whose_command_is_refused_is_handed_over(store: Store) -> None:
    report_id = accepted(store)
    store.committed.clear()

    with store.ledger.changes() as changes:
        changes.refuse(OutboxMessage(store.topics.report, str(report_id), {}), "MSG_SIZE_TOO_LARGE")

    report = store.ledger.get(report_id)
    assert report is not None
    assert (report.status, report.failure and report.failure.type) == (Status.FAIL, "refused_by_broker")
    assert store.handed_over == [str(report_id)]


def test_a_redrive_forgets_what_earlier_attempts_counted(store: Store) -> None:
    """Interruptions too: else a redriven report of an unsupported kind would have one attempt only."""
    fence = claimed(store)
    assert store.ledger.release(fence).interruptions == 1
    assert store.ledger.cancel(fence.report_id) is not None

    report = store.dead_letters.redrive(fence.report_id)

    assert (report.failures, report.losses, report.interruptions) == (0, 0, 0)

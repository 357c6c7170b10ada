"""Whatever is done to reports in whatever order, the store does what a model in plain Python does."""

import os
import random
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tests.support import lifecycle_model as model
from tests.support.lifecycle_model import Model, Refused, Row
from tests.support.lifecycle_store import ORIGIN, Policies, Store, attempt_trace, engine_of, seen
from waybill.artefacts import ArtefactStore
from waybill.domain import (
    Actor,
    Carrier,
    End,
    Failure,
    Fence,
    LeasePolicy,
    NewReport,
    Owner,
    Progress,
    Report,
    RetentionPolicy,
    Retry,
    RetryPolicy,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    StoredArtefact,
    new_report_id,
)
from waybill.ledger import IdempotencyKey, KeyReused, LeaseLost, NotRedrivable
from waybill.store import DeadLetterFilter, OutboxMessage
from waybill.store.statements import outbox, publications
from waybill.store.statements.publications import AGAIN
from waybill.store.tables import AWAITS, AWAITS_KIND

pytest_plugins = ["tests.support.lifecycle_fixtures"]

KEYS = st.sampled_from(["key-a", "key-b"])
REQUESTS = st.sampled_from(["one request", "another"])
OWNERS = st.sampled_from(["worker-1", "worker-2"])
MINUTES = st.sampled_from([1, 10, 31, 60, 91, 300, 901])
MOST_REPORTS = 6  # so that much happens to each, and some wait for room
ROOT = Actor(Owner(), "the test")
NOBODY = Fence(new_report_id(), 1, "nobody")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


POLICIES = Policies(
    lease=LeasePolicy(minutes(model.LEASE), minutes(5)),
    retry=RetryPolicy(max_losses=model.MOST_LOSSES),
    retention=RetentionPolicy(
        minutes(model.KEEP_REPORTS), minutes(model.KEEP_LETTERS), minutes(model.KEEP_KEYS)
    ),
    requeue_after=minutes(model.ENQUEUE_AGAIN),
)


class ReportLives(RuleBasedStateMachine):
    """Calls the store and the model alike, and compares their answers; then their whole contents."""

    store: ClassVar[Store]

    reports = Bundle("reports")
    attempts = Bundle("attempts")
    # any attempt ever, but oftener one that still holds its report
    fences = attempts | st.runner().flatmap(lambda lives: st.sampled_from(lives.held or [NOBODY]))
    room = precondition(lambda lives: len(lives.model.rows) < MOST_REPORTS)

    def __init__(self) -> None:
        super().__init__()
        self.store.empty()
        self.store.committed.clear()
        self.model = Model()
        self.checked: set[tuple[object, ...]] = set()
        self.published: list[model.Message] = []

    # --- what a client asks for

    @room
    @rule(target=reports)
    def accept(self) -> UUID:
        new = NewReport(new_report_id(), "dowork", {"steps": 1}, Carrier(f"00-{'a' * 32}-{'b' * 16}-01"))
        report = self.store.ledger.accept(new)
        assert seen(report) == self.model.accept(new.id).told
        return new.id

    @room
    @rule(target=reports, key=KEYS, request=REQUESTS)
    def accept_with_a_key(self, key: str, request: str) -> UUID | MultipleResults[UUID]:
        new = NewReport(new_report_id(), "dowork", {}, None)
        try:
            known = self.model.known(key, request)
        except Refused:
            with pytest.raises(KeyReused):
                self.store.ledger.accept(new, IdempotencyKey(key, request))
            return multiple()
        report = self.store.ledger.accept(new, IdempotencyKey(key, request))
        if known is not None:
            assert seen(report) == self.model.rows[known].told
            assert report.id == known
            return multiple()
        assert seen(report) == self.model.accept(new.id, key, request).told
        return report.id

    @room
    @rule(target=reports)
    def accept_external(self) -> UUID:
        new = NewReport(new_report_id(), "dowork", {}, None, source=f"report/0/{new_report_id()}")
        assert seen(self.store.ledger.accept_external(new)) == self.model.accept_external(new.id).told
        again = NewReport(new_report_id(), "dowork", {}, None, source=new.source)
        assert self.store.ledger.accept_external(again).id == new.id
        return new.id

    @rule(report_id=reports)
    def cancel(self, report_id: UUID) -> None:
        assert_same(self.store.ledger.cancel(report_id), self.model.cancel(report_id))

    @rule(report_id=reports)
    def redrive(self, report_id: UUID) -> None:
        self.same_or_refused(
            NotRedrivable,
            lambda: self.store.dead_letters.redrive(report_id),
            lambda: self.model.redrive(report_id),
        )

    @rule()
    def redrive_every_letter(self) -> None:
        for letter in self.store.dead_letters.page(DeadLetterFilter()):
            assert letter.report_id
            self.redrive(letter.report_id)

    # --- what an admin does

    @rule()
    def pause(self) -> None:
        self.store.kind_limits.pause(ROOT, "dowork", None)
        self.model.set_kind(paused=True, most=self.model.most)

    @rule()
    def resume(self) -> None:
        self.store.kind_limits.resume(ROOT, "dowork")
        self.model.set_kind(paused=False, most=self.model.most)

    @rule(most=st.sampled_from([None, None, 0, 1, 3]))
    def limit(self, most: int | None) -> None:
        self.store.kind_limits.limit(ROOT, "dowork", most)
        self.model.set_kind(paused=self.model.paused, most=most)

    # --- what a worker does

    @rule(report_id=reports)
    def let_wait(self, report_id: UUID) -> None:
        """A worker has read its command, so that was published."""
        self.publish_one_report(report_id)
        assert self.store.ledger.let_wait(report_id) == self.model.let_wait(report_id)

    @rule(target=attempts, report_id=reports, owner=OWNERS, traced=st.booleans())
    def claim(self, report_id: UUID, owner: str, traced: bool = True) -> Fence | MultipleResults[Fence]:
        report = self.store.claim(report_id, owner, attempt_trace() if traced else None)
        assert_same(report, self.model.claim(report_id, owner))
        return multiple() if report is None else Fence(report.id, report.attempt, owner)

    @rule(fence=fences)
    def heartbeat(self, fence: Fence) -> None:
        try:
            self.model.heartbeat(fence.report_id, fence.attempt, fence.owner)
        except Refused:
            with pytest.raises(LeaseLost):
                self.store.ledger.heartbeat(fence)
        else:
            self.store.ledger.heartbeat(fence)

    @rule(fence=fences, status=st.sampled_from(StepStatus))
    def step(self, fence: Fence, status: StepStatus) -> None:
        change = StepChange("a step", status, 7 if status is not StepStatus.RUNNING else None)
        self.same_or_refused(
            LeaseLost,
            lambda: self.store.ledger.steps(fence, [StepTaken(change, Progress("a step", 1, 2))]),
            lambda: self.model.step(fence.report_id, fence.attempt, fence.owner),
        )

    @rule(fence=fences)
    def finish_well(self, fence: Fence) -> None:
        key = f"reports/{fence.report_id}/{fence.attempt}/report.html"
        artefact = StoredArtefact(key, "report.html", "text/html", 3, "abc")
        self.same_or_refused(
            LeaseLost,
            lambda: self.store.ledger.finish(fence, End(Status.DONE), [artefact]),
            lambda: self.model.finish(fence.report_id, fence.attempt, fence.owner, Status.DONE, artefact=key),
        )

    @rule(fence=fences, exhausted=st.booleans())
    def finish_badly(self, fence: Fence, exhausted: bool) -> None:
        end = End(Status.FAIL, Failure("error", "It went wrong."), exhausted, "a stack")
        self.same_or_refused(
            LeaseLost,
            lambda: self.store.ledger.finish(fence, end, origin=ORIGIN),
            lambda: self.model.finish(
                fence.report_id, fence.attempt, fence.owner, Status.FAIL, exhausted=exhausted
            ),
        )

    @rule(fence=fences)
    def finish_cancelled(self, fence: Fence) -> None:
        self.same_or_refused(
            LeaseLost,
            lambda: self.store.ledger.finish(fence, End(Status.CANCELLED)),
            lambda: self.model.finish(fence.report_id, fence.attempt, fence.owner, Status.CANCELLED),
        )

    @rule(fence=fences, delay=st.sampled_from([0.5, 5.5, 45.5]))
    def retry(self, fence: Fence, delay: float) -> None:
        self.same_or_refused(
            LeaseLost,
            lambda: self.store.ledger.retry(fence, Retry(Failure("error", "Once more."), minutes(delay))),
            lambda: self.model.retry(fence.report_id, fence.attempt, fence.owner, delay),
        )

    @rule(fence=fences)
    def release(self, fence: Fence) -> None:
        self.same_or_refused(
            LeaseLost,
            lambda: self.store.ledger.release(fence),
            lambda: self.model.release(fence.report_id, fence.attempt, fence.owner),
        )

    # --- recovery and retention

    @rule(duration=MINUTES)
    def pass_time(self, duration: int) -> None:
        self.store.pass_time(minutes(duration))
        self.model.now += duration

    @rule(grace=st.sampled_from([0, 10]))
    def reap(self, grace: int) -> None:
        reaped = self.store.recovery.recover_lost(minutes(grace))
        assert {one.now.id: one.now.status for one in reaped} == self.model.reap(grace)
        for one in reaped:
            assert seen(one.now) == self.model.rows[one.now.id].told

    @rule()
    def enqueue(self) -> None:
        assert {report.id for report in self.store.recovery.requeue_due()} == self.model.enqueue()

    @rule()
    def purge(self) -> None:
        removed = (
            self.store.retention.remove_expired()
            + self.store.retention.remove_reports(self.store.artefacts).removed
        )
        assert removed == self.model.purge()

    @rule(report_id=reports)
    def republish_latest(self, report_id: UUID) -> None:
        with self.store.ledger.changes() as changes:
            changes.republish_latest([str(report_id)])
        self.model.republish_latest(report_id)

    # --- the relay

    @rule()
    def publish(self) -> None:
        with self.store.transactions.reading() as connection:
            outbox.remove(connection, outbox.lock_old(connection, timedelta(0), 1000))
            left = publications.lock_old(connection, timedelta(0), 1000)
            publications.remove(connection, [one.row for one in left])
        self.published += self.model.outbox
        self.model.outbox.clear()

    @rule(report_id=reports)
    def publish_one_report(self, report_id: UUID) -> None:
        with self.store.transactions.reading() as connection:
            left = publications.lock_old(connection, timedelta(0), 1000)
            publications.remove(connection, [one.row for one in left if one.row.report_id == report_id])
            messages = outbox.lock_old(connection, timedelta(0), 1000)
            key = str(report_id)
            outbox.remove(connection, [number for number, one in messages.items() if one.key == key])
        self.published += [message for message in self.model.outbox if message[1] == str(report_id)]
        self.model.outbox = [message for message in self.model.outbox if message[1] != str(report_id)]

    @rule(report_id=reports)
    def broker_refuses_the_commands(self, report_id: UUID) -> None:
        with self.store.ledger.changes() as changes:
            for one in publications.lock_old(changes.connection, timedelta(0), 1000):
                if one.row.report_id == report_id and one.row.command:
                    changes.connection.execute(_FORGET_COMMAND, {"id": report_id})
                    changes.refuse(OutboxMessage(model.REPORT, str(report_id), {}), "too large")
        self.model.refused(report_id)

    # --- what is always so

    @invariant()
    def rows_are_the_models(self) -> None:
        stored = {row[0]: tuple(row[1:]) for row in self.rows(_ROWS)}
        assert stored == {
            row.id: (
                row.status,
                row.version,
                row.attempt,
                row.failures,
                row.losses,
                row.interruptions,
                row.cancel_requested,
                row.owner,
                row.lease_until is not None,
                row.not_before is not None,
                row.awaits if row.status is Status.INIT else None,
                row.finished_at is not None,
            )
            for row in self.model.rows.values()
        }

    @invariant()
    def each_version_has_one_event(self) -> None:
        events: dict[UUID, list[tuple[object, ...]]] = {}
        for report_id, *event in self.rows(_EVENTS):
            events.setdefault(report_id, []).append(tuple(event))
        for row in self.model.rows.values():
            told = events.pop(row.id)
            assert told == [(one.version, one.type, one.status, one.attempt) for one in row.events]
            assert [one[0] for one in told] == list(range(1, row.version + 1))
        assert not events, "events of reports that are gone"

    @invariant()
    def outbox_tells_each_change_in_order(self) -> None:
        stored = [
            (topic, key if topic != model.DEAD_LETTER else "", version)
            for topic, key, version in self.rows(_OUTBOX)
        ]
        assert sorted_by_key(stored) == sorted_by_key(self.model.outbox)
        last = {key: version for topic, key, version in self.published + stored if topic == model.STATUS}
        for row in self.model.rows.values():
            assert last[str(row.id)] == row.version
        gone = last.keys() - {str(report_id) for report_id in self.model.rows}
        assert all(last[key] is None for key in gone), "a purged report without its tombstone"

    @invariant()
    def the_relay_gets_everything_that_is_to_be_published(self) -> None:
        rows = {row: str(row[0]) for row in self.rows(_OUTBOX_ROWS)}
        handed_over = set(self.store.handed_over)
        assert {key for row, key in rows.items() if row not in self.checked} <= handed_over
        assert handed_over <= set(rows.values())
        self.checked |= rows.keys()
        self.store.committed.clear()

    @invariant()
    def dead_letters_are_the_models(self) -> None:
        assert sorted(self.rows(_LETTERS)) == sorted(
            (letter.reason, letter.report_id, letter.attempts, letter.redriven)
            for letter in self.model.letters
        )

    @invariant()
    def unfinished_reports_have_a_holder_or_will_be_found(self) -> None:
        for row in self.model.rows.values():
            if row.status is Status.INIT:
                assert row.owner is None
            assert (row.status is Status.PROCESSING) == (row.owner is not None)

    @invariant()
    def an_accepted_cancel_wins_over_all_but_a_success(self) -> None:
        cancelled = "SELECT status FROM reports WHERE cancel_requested_at IS NOT NULL"
        assert {row[0] for row in self.rows(cancelled)} <= {"processing", "cancelled", "done"}

    def teardown(self) -> None:
        """Every report that was accepted reaches an end, with nothing but maintenance and a worker, once
        nothing keeps its kind from starting."""
        self.resume()
        self.limit(None)
        for _ in range(model.MOST_LOSSES + 1):
            self.pass_time(901)
            self.reap(0)
            self.enqueue()
            self.publish()
        for report_id in [row.id for row in self.model.rows.values() if row.status is Status.INIT]:
            claimed = self.claim(report_id, "worker-1")
            assert isinstance(claimed, Fence)
            self.finish_well(claimed)
        assert all(row.finished_at is not None for row in self.model.rows.values())
        self.rows_are_the_models()

    # --- parts

    @property
    def held(self) -> list[Fence]:
        return [Fence(row.id, row.attempt, row.owner) for row in self.model.rows.values() if row.owner]

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        with self.store.engine.connect() as connection:
            return iter([tuple(row) for row in connection.execute(text(statement))])

    def same_or_refused(
        self, refusal: type[Exception], real: Callable[[], Report], modelled: Callable[[], Row]
    ) -> None:
        try:
            expected = modelled()
        except Refused:
            with pytest.raises(refusal):
                real()
        else:
            assert_same(real(), expected)


_ROWS = f"""
SELECT id, status, version, attempt, failures, losses, interruptions, cancel_requested_at IS NOT NULL,
       lease_owner, lease_expires_at IS NOT NULL, not_before IS NOT NULL,
       CASE WHEN status = 'init' THEN CASE WHEN {AWAITS_KIND} THEN 'kind' ELSE {AWAITS} END END,
       finished_at IS NOT NULL
FROM reports
"""  # noqa: S608 - ours
_EVENTS = """
SELECT report_id, version, type, data ->> 'status', CAST(data ->> 'attempt' AS integer)
FROM report_events ORDER BY report_id, version
"""
_OUTBOX = f"""
SELECT topic, key, version FROM (
    SELECT 'report-status' AS topic, report_id::text AS key, version, 0 AS place, first, last_version
    FROM publications, LATERAL (
        SELECT CASE first_version WHEN {AGAIN} THEN last_version ELSE first_version END AS first
    ) AS begin, generate_series(first, last_version) AS version
    UNION ALL
    SELECT 'report', report_id::text, NULL, 0, first_version, last_version FROM publications WHERE command
    UNION ALL
    SELECT topic, key, CAST(value ->> 'version' AS integer), id, 0, 0 FROM outbox
) AS message
ORDER BY place, first, last_version, version
"""  # noqa: S608 - ours
_OUTBOX_ROWS = f"""
SELECT report_id::text, first_version, last_version FROM publications WHERE first_version <> {AGAIN}
UNION ALL SELECT key, id, NULL FROM outbox
"""  # noqa: S608 - ours
"""Without what is published again, which is left to the sweep."""
_FORGET_COMMAND = text("UPDATE publications SET command = false WHERE report_id = :id")
_LETTERS = "SELECT reason, report_id, attempts, redriven_at IS NOT NULL FROM dead_letters"


def assert_same(report: Report | None, row: Row | None) -> None:
    assert (seen(report) if report else None) == (row.told if row else None)


def sorted_by_key(messages: list[model.Message]) -> list[model.Message]:
    """In the order of each key; between keys there is none. A version that is published again counts once."""
    once = [one for place, one in enumerate(messages) if one[2] is None or one not in messages[:place]]
    return sorted(once, key=lambda message: (message[0], message[1]))


def test_any_lifecycle_of_reports_is_as_the_model_says(store_url: str, tmp_path: Path) -> None:
    number = int(os.environ.get("LIFE_SEED", random.randrange(2**32)))
    sys.stdout.write(f"Again with LIFE_SEED={number}\n")
    examples = int(os.environ.get("LIFE_EXAMPLES", "30"))
    with engine_of(store_url, pool_size=2) as engine:

        @seed(number)
        class Lives(ReportLives):
            store = Store(engine, ArtefactStore((tmp_path / "artefacts").as_uri()), POLICIES)

        run_state_machine_as_test(
            Lives,
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                deadline=None,
                phases=[Phase.generate, Phase.shrink],
                database=None,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )


FAILURES = st.sampled_from(["exhausted", "permanent", "retry", "release", "lost"])


def fail(lives: ReportLives, fence: Fence, how: str) -> None:
    match how:
        case "retry":
            lives.retry(fence, 5.5)
            lives.pass_time(10)
        case "release":
            lives.release(fence)
        case "lost":
            lives.pass_time(31)
            lives.reap(0)
        case _:
            lives.finish_badly(fence, how == "exhausted")


def test_an_accepted_cancel_wins_over_any_failure(store_url: str, tmp_path: Path) -> None:
    """The machine above seldom comes to a cancel of an attempt that then fails within its lease."""
    with engine_of(store_url, pool_size=2) as engine:

        class Lives(ReportLives):
            store = Store(engine, ArtefactStore((tmp_path / "artefacts").as_uri()), POLICIES)

        @given(st.lists(st.sampled_from(["retry", "release", "lost"]), max_size=2), st.booleans(), FAILURES)
        @settings(max_examples=60, deadline=None, database=None)
        def property_of_the_model(before: list[str], in_a_step: bool, failure: str) -> None:
            lives = Lives()
            report_id = lives.accept()
            assert isinstance(report_id, UUID)
            for how in before:
                fail(lives, claimed(lives, report_id), how)
            fence = claimed(lives, report_id)
            if in_a_step:
                lives.step(fence, StepStatus.RUNNING)

            lives.cancel(report_id)
            fail(lives, fence, failure)

            assert lives.model.rows[report_id].status is Status.CANCELLED
            lives.rows_are_the_models()
            lives.each_version_has_one_event()
            lives.dead_letters_are_the_models()

        property_of_the_model()


def claimed(lives: ReportLives, report_id: UUID) -> Fence:
    fence = lives.claim(report_id, "worker-1")
    assert isinstance(fence, Fence)
    return fence

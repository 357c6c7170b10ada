"""One attempt in the tests' own process: its slot, and what it stores to, do as they are told."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer, set_span_in_context

from report_worker.attempt import Attempt, AttemptContext
from report_worker.cancellations import Cancellations
from report_worker.intake import Claimed
from report_worker.slots import Failed, FromSlot, Job, Produced, ProducedFile, Slot
from report_worker.slots.slot import NewSink
from tests.support.lifecycle_store import ORIGIN, Policies, Store, attempt_trace
from tests.support.waiting import within
from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import (
    End,
    Fence,
    LeasePolicy,
    NewReport,
    Origin,
    Report,
    Retry,
    RetryPolicy,
    Status,
    StepTaken,
    StoredArtefact,
    new_report_id,
)
from waybill.kinds import Artefact, Kind, Parameters, Registry
from waybill.ledger import Ledger
from waybill.store import DeadLetterFilter, ReportFilter, StoreUnavailable
from waybill.telemetry import tracer

pytest_plugins = ["tests.support.lifecycle_fixtures"]

LEASE = LeasePolicy(time_to_live=timedelta(seconds=1), heartbeat=timedelta(seconds=0.2))
WORKER = "the worker"

Result = TypeVar("Result")


class PageParameters(Parameters):
    pages: int = 1


PAGE = Kind(
    name="page",
    title="Page",
    description="A page.",
    parameters=PageParameters,
    steps=lambda _: (),
    implementation="nowhere:page",
)


class QuickSlot(Slot):
    """Has produced its file by the time it is asked."""

    def __init__(self) -> None:
        self.jobs = 0
        self.file: Path | None = None

    def start(
        self,
        job: Job,
        *,
        fresh: bool = False,  # noqa: ARG002 - as of a Slot, and below
        sink: NewSink | None = None,  # noqa: ARG002
    ) -> None:
        self.jobs += 1
        self.file = job.directory / "page.txt"
        self.file.write_text("a page\n")

    def receive(self, timeout: float) -> FromSlot | None:  # noqa: ARG002 - as of a Slot
        assert self.file is not None
        return Produced((ProducedFile(self.file, "text/plain", "page.txt"),))

    def stop(self) -> None:
        self.file = None

    def kill(self) -> None:
        self.file = None

    def end_output(self) -> None:
        """It prints nothing."""


class ManyFiles(QuickSlot):
    """Has produced several; of those it names, what it has written are the first."""

    def __init__(self, *names: str, written: int = 20) -> None:
        super().__init__()
        self.names, self.written = names, written

    def receive(self, timeout: float) -> FromSlot | None:  # noqa: ARG002 - as of a Slot
        assert self.file is not None
        files = [self.file.with_name(f"{number}.txt") for number in range(len(self.names))]
        for name, file in zip(self.names[: self.written], files, strict=False):
            file.write_text(f"{name}\n")
        return Produced(
            tuple(
                ProducedFile(file, "text/plain", name) for name, file in zip(self.names, files, strict=True)
            )
        )


class FailingSlot(QuickSlot):
    """Its job has raised an exception by the time it is asked."""

    def receive(self, timeout: float) -> FromSlot | None:  # noqa: ARG002 - as of a Slot
        return Failed("ValueError", "It went wrong.", "", permanent=False, step=None)


class BusySlot(QuickSlot):
    """Writes one file after the other for as long as it lives, whatever becomes of its directory."""

    def __init__(self) -> None:
        super().__init__()
        self.killed = threading.Event()
        self.writer: threading.Thread | None = None

    def start(self, job: Job, *, fresh: bool = False, sink: NewSink | None = None) -> None:
        super().start(job, fresh=fresh, sink=sink)
        self.writer = threading.Thread(target=self._write, args=(job.directory,), daemon=True)
        self.writer.start()

    def receive(self, timeout: float) -> FromSlot | None:
        self.killed.wait(timeout)
        return None

    def cancel(self) -> None:
        """It does not listen."""

    def stop(self) -> None:
        self.kill()

    def kill(self) -> None:
        self.killed.set()
        if self.writer is not None:
            self.writer.join()

    def _write(self, directory: Path) -> None:
        while not self.killed.wait(0.001):
            directory.mkdir(exist_ok=True)
            (directory / "more.txt").touch()


class SlowArtefacts(ArtefactStore):
    """Takes its time, or until it is told to go on."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(url)
        self.seconds = seconds
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def put(
        self, tenant: str, report_id: UUID, attempt: int, artefact: Artefact, file: BinaryIO
    ) -> StoredArtefact:
        self.asked.set()
        self.go_on.wait(self.seconds)
        return super().put(tenant, report_id, attempt, artefact, file)


class RefusingArtefacts(ArtefactStore):
    """Takes so many files, and no other while it is `full`."""

    def __init__(self, url: str, takes: int) -> None:
        super().__init__(url)
        self.takes = takes
        self.taken: list[str] = []
        self.full = True

    def put(
        self, tenant: str, report_id: UUID, attempt: int, artefact: Artefact, file: BinaryIO
    ) -> StoredArtefact:
        if self.full and len(self.taken) >= self.takes:
            raise ArtefactStoreUnavailable("The artefact cannot be written: no room.")
        self.taken.append(artefact.filename)
        return super().put(tenant, report_id, attempt, artefact, file)


class BreakingLedger(Ledger):
    """Its connection breaks once, at an attempt's end: after the commit, or before it. Then something happens
    `meanwhile`, and the database is `away` for so many seconds."""

    def __init__(
        self, store: Store, *, committed: bool, meanwhile: Callable[[], object] = bool, away: float = 0
    ) -> None:
        super().__init__(store.transactions, LEASE)
        self._committed = committed
        self._meanwhile = meanwhile
        self._away = away
        self._back_at: float | None = None

    def get(self, report_id: UUID) -> Report | None:
        self._be_away()
        return super().get(report_id)

    def retry(self, fence: Fence, retry: Retry, steps: Sequence[StepTaken] = ()) -> Report:
        write = super().retry
        return self._break_once(lambda: write(fence, retry, steps))

    def finish(
        self,
        fence: Fence,
        end: End,
        artefacts: Sequence[StoredArtefact] = (),
        origin: Origin = ORIGIN,
        steps: Sequence[StepTaken] = (),
        *,
        has_step_results: bool = False,
    ) -> Report:
        write = super().finish
        return self._break_once(
            lambda: write(fence, end, artefacts, origin, steps, has_step_results=has_step_results)
        )

    def _break_once(self, write: Callable[[], Result]) -> Result:
        self._be_away()
        if self._back_at is not None:
            return write()
        if self._committed:
            write()
        self._meanwhile()
        self._back_at = time.monotonic() + self._away
        raise StoreUnavailable("The connection broke.")

    def _be_away(self) -> None:
        if self._back_at is not None and time.monotonic() < self._back_at:
            raise StoreUnavailable("It is away.")


@dataclass
class Bench:
    """Claims reports and runs attempts at them."""

    store: Store
    kinds: Registry
    artefacts: ArtefactStore
    scratch: Path
    slot: QuickSlot = field(default_factory=QuickSlot)
    breaking: Ledger | None = None
    min_store_time: timedelta = timedelta(seconds=60)
    tracer: Tracer = field(default_factory=tracer)
    interrupted: threading.Event = field(default_factory=threading.Event)
    before_end: Callable[[], None] = field(default=lambda: None)

    def claimed(self, **parameters: int) -> Report:
        accepted = self.store.ledger.accept(NewReport(new_report_id(), PAGE.name, parameters, None))
        return self.claim(accepted.id)

    def claim(self, report_id: UUID, owner: str = WORKER) -> Report:
        report = self.store.claim(report_id, owner, attempt_trace())
        assert report is not None
        return report

    def claim_later(self, report_id: UUID) -> None:
        """By another worker, once its retry is due."""
        self.store.pass_time(timedelta(hours=1))
        self.claim(report_id, "another worker")

    def lose(self, report_id: UUID) -> None:
        self.store.pass_time(timedelta(hours=1))
        (reaped,) = self.store.recovery.recover_lost(timedelta(0))
        assert reaped.lost.id == report_id

    def run(self, report: Report) -> Report:
        """An attempt at it; the report as it is afterwards."""
        ledger = self.store.ledger
        cancellations = Cancellations(ledger, WORKER)
        context = AttemptContext(
            ledger=self.breaking or ledger,
            kinds=self.kinds,
            artefacts=self.artefacts,
            lease=LEASE,
            retry=RetryPolicy(),
            cancel_grace=timedelta(seconds=1),
            owner=WORKER,
            cancellations=cancellations,
            scratch=self.scratch,
            interrupted=self.interrupted,
            min_store_time=self.min_store_time,
        )
        span = self.tracer.start_span("report_consumer")
        handle = self.tracer.start_span("handle_report", set_span_in_context(span))
        cancellations.start()
        try:
            claimed = Claimed(report, span, handle, ORIGIN, stored=True)
            Attempt(context, claimed, self.slot, self.before_end).run()
        finally:
            cancellations.stop()
        after = ledger.get(report.id)
        assert after is not None
        return after


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Bench:
    quick = Store(store.engine, store.artefacts, Policies(lease=LEASE))
    return Bench(quick, Registry([PAGE]), store.artefacts, tmp_path)


@pytest.fixture
def slow(bench: Bench, tmp_path: Path) -> Iterator[SlowArtefacts]:
    artefacts = SlowArtefacts((tmp_path / "slow").as_uri(), 3 * LEASE.time_to_live.total_seconds())
    bench.artefacts = artefacts
    yield artefacts
    artefacts.go_on.set()


@pytest.fixture
def spans(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What the attempts' spans are sent to as they end."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    bench.tracer = provider.get_tracer("tests")
    monkeypatch.setattr("waybill.telemetry.spans.tracer", lambda: bench.tracer)
    return exporter


def ended(spans: InMemorySpanExporter) -> tuple[ReadableSpan, ReadableSpan]:
    """The attempt's two spans."""
    handle, consumer = spans.get_finished_spans()
    assert (handle.name, consumer.name) == ("handle_report", "report_consumer")
    return handle, consumer


def test_the_lease_lasts_while_the_artefact_is_stored(bench: Bench, slow: SlowArtefacts) -> None:
    report = bench.claimed()
    attempt = threading.Thread(target=bench.run, args=(report,))
    attempt.start()

    while attempt.is_alive():
        assert bench.store.recovery.recover_lost(timedelta(0)) == []
        attempt.join(0.2)

    after = bench.store.ledger.get(report.id)
    assert after is not None
    assert (after.status, after.attempt, after.losses) == (Status.DONE, 1, 0)
    assert after.artefact is not None
    assert b"".join(slow.open(after.artefact)) == b"a page\n"


def test_a_worker_that_stops_waits_for_no_artefact(bench: Bench, slow: SlowArtefacts) -> None:
    slow.seconds = 600
    report = bench.claimed()

    def interrupt() -> None:
        slow.asked.wait()
        bench.interrupted.set()

    threading.Thread(target=interrupt).start()
    after = bench.run(report)

    assert (after.status, after.interruptions, after.failures) == (Status.INIT, 1, 0)


def test_a_store_that_does_not_answer_ends_the_attempt(bench: Bench, slow: SlowArtefacts) -> None:
    slow.seconds = 30
    bench.kinds = Registry([replace(PAGE, timeout=timedelta(seconds=2))])
    bench.min_store_time = timedelta(seconds=1)

    with within(10):
        after = bench.run(bench.claimed())

    assert (after.status, after.failures, after.losses) == (Status.INIT, 1, 0)
    assert after.failure is not None
    assert after.failure.type == "artefact_store"
    assert "0:00:02" in after.failure.message
    assert not list(bench.scratch.glob("tmp*"))


def test_a_job_that_took_all_its_time_still_has_time_to_store(bench: Bench, slow: SlowArtefacts) -> None:
    slow.seconds = 1
    bench.kinds = Registry([replace(PAGE, timeout=timedelta(seconds=0.1))])

    assert bench.run(bench.claimed()).status is Status.DONE


def test_a_report_can_be_cancelled_while_its_artefact_is_stored(bench: Bench, slow: SlowArtefacts) -> None:
    slow.seconds = 30
    report = bench.claimed()

    def cancel() -> None:
        slow.asked.wait()
        bench.store.ledger.cancel(report.id)

    threading.Thread(target=cancel).start()
    with within(10):
        after = bench.run(report)

    assert (after.status, after.artefact) == (Status.CANCELLED, None)


THREE = ("a.html", "b.pdf", "c.xlsx")


def test_several_files_are_stored_one_after_the_other_and_end_in_one_change(bench: Bench) -> None:
    bench.slot = ManyFiles(*THREE)
    report = bench.claimed()

    after = bench.run(report)

    assert (after.status, after.version) == (Status.DONE, report.version + 1)
    assert [one.filename for one in after.artefacts] == [*THREE]
    assert after.artefact == after.artefacts[0]
    for one in after.artefacts:
        assert b"".join(bench.artefacts.open(one)) == f"{one.filename}\n".encode()


def test_where_the_store_fails_at_the_second_file_there_is_nothing_half(bench: Bench, tmp_path: Path) -> None:
    bench.slot = ManyFiles(*THREE)
    artefacts = bench.artefacts = RefusingArtefacts((tmp_path / "full").as_uri(), takes=1)
    report = bench.claimed()

    after = bench.run(report)

    assert (after.status, after.failures, after.artefact, after.artefacts) == (Status.INIT, 1, None, ())
    assert after.failure is not None
    assert (after.failure.type, after.failure.message) == (
        "artefact_store",
        "The artefact cannot be written: no room.",
    )
    assert artefacts.taken == ["a.html"]
    assert bench.store.ledger.events_after(report.id, report.version, 10)[0].data["artefact"] is None

    artefacts.full = False
    bench.store.pass_time(timedelta(hours=1))
    again = bench.run(bench.claim(report.id))

    assert (again.status, again.attempt) == (Status.DONE, 2)
    assert [one.filename for one in again.artefacts] == [*THREE]
    assert {one.key.split("/")[-2] for one in again.artefacts} == {"2"}
    age = "UPDATE reports SET finished_at = finished_at - interval '31 days'"
    with bench.store.engine.begin() as connection:
        connection.exec_driver_sql(age)
    bench.store.retention.remove_reports(artefacts)
    assert not [path for path in (tmp_path / "full").rglob("*") if path.is_file()], "of both attempts"


@pytest.mark.parametrize(
    ("slot", "message"),
    [
        (ManyFiles("a.html", "A.HTML"), "two artefacts with the name 'A.HTML'"),
        (ManyFiles("a.html", "b.pdf", written=1), "must return a file in work.directory"),
        (ManyFiles("a.html", "../b.pdf"), "is no name for an artefact"),
    ],
    ids=["twice", "missing", "path"],
)
def test_the_worker_checks_what_a_slot_says_before_it_stores_anything(
    bench: Bench, tmp_path: Path, slot: ManyFiles, message: str
) -> None:
    """However a job has made its process say it."""
    bench.slot = slot
    artefacts = bench.artefacts = RefusingArtefacts((tmp_path / "none").as_uri(), takes=0)
    artefacts.full = False

    after = bench.run(bench.claimed())

    assert (after.status, after.artefacts) == (Status.FAIL, ())
    assert after.failure is not None
    assert message in after.failure.message
    assert artefacts.taken == []


def test_all_files_have_one_time_together(bench: Bench, slow: SlowArtefacts) -> None:
    bench.slot = ManyFiles(*THREE)
    slow.seconds = 0.9
    bench.kinds = Registry([replace(PAGE, timeout=timedelta(seconds=1))])
    bench.min_store_time = timedelta(seconds=1)

    with within(10):
        after = bench.run(bench.claimed())

    assert (after.status, after.artefacts) == (Status.INIT, ())
    assert after.failure is not None
    assert after.failure.type == "artefact_store"


def test_an_output_that_this_worker_does_not_know_is_left_to_another(bench: Bench) -> None:
    new = NewReport(new_report_id(), PAGE.name, {}, None, outputs=["pdf"])
    bench.store.ledger.accept(new)

    after = bench.run(bench.claim(new.id))

    assert (after.status, after.failures, after.interruptions) == (Status.INIT, 0, 1)
    assert after.failure is not None
    assert "The kind page has no outputs, not pdf." in after.failure.message
    assert bench.slot.jobs == 0


@pytest.mark.parametrize("end", ["time-out", "cancel", "lost lease"])
def test_a_job_that_is_given_up_leaves_no_files(bench: Bench, end: str) -> None:
    slot = bench.slot = BusySlot()
    if end == "time-out":
        bench.kinds = Registry([replace(PAGE, timeout=timedelta(seconds=0.5))])
    report = bench.claimed()
    if end == "cancel":
        bench.store.ledger.cancel(report.id)
    if end == "lost lease":
        threading.Timer(0.5, bench.store.pass_time, [timedelta(hours=1)]).start()

    after = bench.run(report)

    assert slot.killed.is_set()
    assert not list(bench.scratch.glob("tmp*"))
    expected = {"time-out": Status.INIT, "cancel": Status.CANCELLED, "lost lease": Status.PROCESSING}
    assert after.status is expected[end]


class TestTheNextReport:
    """It is claimed together with the end of the one before, if the slot can take it at once."""

    @pytest.fixture
    def looks(self, bench: Bench) -> list[str]:
        """The status of the bench's reports, each time that the next one could be claimed."""
        looks: list[str] = []

        def look() -> None:
            looks.extend(report.status for report in bench.store.ledger.page(ReportFilter()).reports)

        bench.before_end = look
        return looks

    @pytest.mark.parametrize("slot", [QuickSlot, FailingSlot])
    def test_is_wanted_before_the_end_is_written(
        self, bench: Bench, looks: list[str], slot: type[QuickSlot]
    ) -> None:
        bench.slot = slot()

        after = bench.run(bench.claimed())

        assert after.status is not Status.PROCESSING
        assert looks == ["processing"]
        assert bench.slot.file, "the slot was not stopped"

    def test_is_claimed_in_the_transaction_of_that_end(self, bench: Bench) -> None:
        ledger, report = bench.store.ledger, bench.claimed()
        waiting = ledger.accept(NewReport(new_report_id(), PAGE.name, {}, None)).id
        begun = []
        bench.before_end = lambda: begun.append(ledger.begin_claim(waiting, WORKER, alone=False))

        assert bench.run(report).status is Status.DONE

        next_report = ledger.get(waiting)
        assert next_report is not None
        assert next_report.status is Status.PROCESSING, "before anybody has asked for it"
        (claim,) = begun
        assert claim.result() == next_report

    @pytest.mark.parametrize("end", ["time-out", "cancel", "interruption", "no store"])
    def test_is_not_wanted_where_the_slot_must_be_replaced(
        self, bench: Bench, looks: list[str], slow: SlowArtefacts, end: str
    ) -> None:
        slow.seconds = 30
        bench.slot = QuickSlot() if end == "no store" else BusySlot()
        bench.min_store_time = timedelta(seconds=0.2)
        if end in ("time-out", "no store"):
            bench.kinds = Registry([replace(PAGE, timeout=timedelta(seconds=0.2))])
        report = bench.claimed()
        if end == "cancel":
            bench.store.ledger.cancel(report.id)
        if end == "interruption":
            bench.interrupted.set()

        after = bench.run(report)

        assert after.status is not Status.PROCESSING
        assert looks == []
        assert bench.slot.file is None or isinstance(bench.slot, BusySlot)

    def test_keeps_the_slot_though_the_end_could_not_be_written(self, bench: Bench, looks: list[str]) -> None:
        """Its job has ended: nothing of it writes any more."""
        report = bench.claimed()

        def lose() -> None:
            bench.lose(report.id)
            looks.append("lost")

        bench.before_end = lose

        after = bench.run(report)

        assert after.losses == 1
        assert looks == ["lost"]
        assert bench.slot.file, "the slot was not stopped"
        assert not list(bench.scratch.glob("tmp*"))


class TestAnEndWhoseAnswerIsNotHeard:
    """The database has committed it, or not; the worker can only look."""

    @pytest.mark.parametrize("claimed_again", [False, True])
    def test_a_retry_that_was_committed_is_the_attempts_end(
        self, bench: Bench, spans: InMemorySpanExporter, claimed_again: bool
    ) -> None:
        bench.slot = FailingSlot()
        report = bench.claimed()
        meanwhile = (lambda: bench.claim_later(report.id)) if claimed_again else bool
        bench.breaking = BreakingLedger(bench.store, committed=True, meanwhile=meanwhile)

        after = bench.run(report)

        assert (after.attempt, after.losses) == (1 + claimed_again, 0)
        handle, _ = ended(spans)
        assert handle.attributes is not None
        assert (handle.attributes["report.status"], handle.attributes["error.type"]) == ("init", "error")

    @pytest.mark.parametrize("slot", [QuickSlot, FailingSlot])
    @pytest.mark.parametrize("then", ["waits", "is claimed again", "is cancelled"])
    def test_the_spans_of_an_attempt_that_was_reaped_are_the_reapers(
        self, bench: Bench, spans: InMemorySpanExporter, slot: type[QuickSlot], then: str
    ) -> None:
        bench.slot = slot()
        report = bench.claimed()

        def reap() -> None:
            if then == "is cancelled":
                bench.store.ledger.cancel(report.id)
            bench.lose(report.id)
            if then == "is claimed again":
                bench.claim_later(report.id)

        bench.breaking = BreakingLedger(bench.store, committed=False, meanwhile=reap)

        after = bench.run(report)

        assert after.losses == 1
        assert not spans.get_finished_spans()

    def test_an_end_that_was_committed_is_seen_when_the_database_is_back(
        self, bench: Bench, spans: InMemorySpanExporter
    ) -> None:
        away = 3 * LEASE.time_to_live.total_seconds()
        bench.breaking = BreakingLedger(bench.store, committed=True, away=away)

        assert bench.run(bench.claimed()).status is Status.DONE

        handle, _ = ended(spans)
        assert handle.attributes is not None
        assert handle.attributes["report.status"] == "done"
        assert handle.status.is_unset

    def test_an_end_that_was_not_committed_is_the_reapers(
        self, bench: Bench, spans: InMemorySpanExporter
    ) -> None:
        away = 2 * LEASE.time_to_live.total_seconds()
        bench.breaking = BreakingLedger(bench.store, committed=False, away=away)

        report = bench.run(bench.claimed())

        assert report.status is Status.PROCESSING
        assert not spans.get_finished_spans()

    def test_a_worker_that_stops_does_not_wait_for_the_database(self, bench: Bench) -> None:
        bench.breaking = BreakingLedger(bench.store, committed=True, away=600)
        threading.Timer(2 * LEASE.time_to_live.total_seconds(), bench.interrupted.set).start()

        with within(10):
            bench.run(bench.claimed())


def test_a_server_that_takes_no_changes_is_away(bench: Bench) -> None:
    """As a standby is, to which a failover has led the pool. Its connections are not used again."""
    ledger, engine = bench.store.ledger, bench.store.engine
    with engine.connect() as connection:
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()
    new = NewReport(new_report_id(), PAGE.name, {}, None)

    with pytest.raises(StoreUnavailable):
        ledger.accept(new)

    assert ledger.accept(new).status is Status.INIT


def test_a_worker_without_room_for_a_directory_tries_again(bench: Bench, tmp_path: Path) -> None:
    bench.scratch = tmp_path / "not there"

    after = bench.run(bench.claimed())

    assert (after.status, after.failures) == (Status.INIT, 1)
    assert after.failure is not None
    assert after.failure.type == "no_directory"


@pytest.mark.parametrize("cause", ["kind", "parameter"])
def test_what_another_version_of_the_worker_could_run_waits_for_it(bench: Bench, cause: str) -> None:
    """In an upgrade, a worker that is older than the API may get the report first."""
    newer = bench.kinds
    parameters = {}
    if cause == "kind":
        bench.kinds = Registry([])
    else:
        parameters = {"colours": 3}
    report = bench.claimed(**parameters)

    after = bench.run(report)

    assert (after.status, after.interruptions, after.failures) == (Status.INIT, 1, 0)
    assert after.failure is not None
    assert after.failure.type == "unsuited"
    bench.store.pass_time(timedelta(hours=1))
    if cause == "kind":
        bench.kinds = newer
        assert bench.run(bench.claim(report.id)).status is Status.DONE


def test_what_no_worker_can_run_becomes_a_dead_letter(bench: Bench) -> None:
    bench.kinds = Registry([])
    report = bench.claimed()

    turns = 1
    while (after := bench.run(report)).status is Status.INIT:
        bench.store.pass_time(timedelta(hours=1))
        report = bench.claim(report.id)
        turns += 1

    assert (after.status, turns) == (Status.FAIL, 12)
    (letter,) = bench.store.dead_letters.page(DeadLetterFilter())
    assert (letter.reason, letter.report_id) == ("unsuited", report.id)

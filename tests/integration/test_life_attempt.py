"""One attempt in the tests' own process: its slot, and what it stores to, do as they are told."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from opentelemetry.trace import INVALID_SPAN

from report_worker.attempt import Attempt, AttemptContext
from report_worker.cancellations import Cancellations
from report_worker.intake import Claimed
from report_worker.slots import FromSlot, Job, Produced, Slot
from tests.support.life_store import ORIGIN, Policies, Store
from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy, NewReport, Report, RetryPolicy, Status, StoredArtefact, new_report_id
from waybill.kinds import Artefact, Kind, Parameters, Registry
from waybill.store import DeadLetterFilter

pytest_plugins = ["tests.support.life_fixtures"]

LEASE = LeasePolicy(time_to_live=timedelta(seconds=1), heartbeat=timedelta(seconds=0.2))
WORKER = "the worker"


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

    def start(self, job: Job) -> None:
        self.jobs += 1
        self.file = job.directory / "page.txt"
        self.file.write_text("a page\n")

    def receive(self, timeout: float) -> FromSlot | None:  # noqa: ARG002 - as of a Slot
        assert self.file is not None
        return Produced(self.file, "text/plain", "page.txt", ())

    def stop(self) -> None:
        self.file = None


class SlowArtefacts(ArtefactStore):
    """Takes its time, or until it is told to go on."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(url)
        self.seconds = seconds
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def put(self, report_id: UUID, attempt: int, artefact: Artefact) -> StoredArtefact:
        self.asked.set()
        self.go_on.wait(self.seconds)
        return super().put(report_id, attempt, artefact)


@dataclass
class Bench:
    """Claims reports and runs attempts at them."""

    store: Store
    kinds: Registry
    artefacts: ArtefactStore
    scratch: Path
    interrupted: threading.Event = field(default_factory=threading.Event)

    def claimed(self, **parameters: int) -> Report:
        accepted = self.store.ledger.accept(NewReport(new_report_id(), PAGE.name, parameters, None))
        return self.claim(accepted.id)

    def claim(self, report_id: UUID) -> Report:
        report = self.store.ledger.claim(report_id, WORKER)
        assert report is not None
        return report

    def run(self, report: Report) -> Report:
        ledger = self.store.ledger
        context = AttemptContext(
            ledger=ledger,
            kinds=self.kinds,
            artefacts=self.artefacts,
            lease=LEASE,
            retry=RetryPolicy(),
            cancel_grace=timedelta(seconds=1),
            owner=WORKER,
            cancellations=Cancellations(ledger, WORKER),
            scratch=self.scratch,
            interrupted=self.interrupted,
        )
        Attempt(context, Claimed(report, INVALID_SPAN, time.time_ns(), None, 0, ORIGIN), QuickSlot()).run()
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


def test_the_lease_lasts_while_the_artefact_is_stored(bench: Bench, slow: SlowArtefacts) -> None:
    report = bench.claimed()
    attempt = threading.Thread(target=bench.run, args=(report,))
    attempt.start()

    while attempt.is_alive():
        assert bench.store.upkeep.reap(timedelta(0)) == []
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
    (letter,) = bench.store.office.page(DeadLetterFilter())
    assert (letter.reason, letter.report_id) == ("unsuited", report.id)

"""Work that is done stays done: a step whose result is stored does not run again."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import httpx
import pytest
from opentelemetry.trace import set_span_in_context
from structlog.testing import capture_logs

from report_worker.attempt import Attempt, AttemptContext
from report_worker.cancellations import Cancellations
from report_worker.intake import Claimed
from report_worker.slots import ForkServer, FromSlot, Job, Kept, Slot, StepEnded
from report_worker.slots.slot import NewSink
from tests.support import lifecycle as ask
from tests.support import sse
from tests.support.database import Database
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.lifecycle_store import ORIGIN, Policies, Store, attempt_trace
from tests.support.slots import KINDS, fork_server, opened
from tests.support.traces import Traces
from tests.support.waiting import eventually, within
from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import (
    MAX_VALUE_BYTES,
    MAX_VALUES_BYTES,
    Fence,
    LeasePolicy,
    NewReport,
    Progress,
    Report,
    RetryPolicy,
    Status,
    StepChange,
    StepResult,
    StepStatus,
    StepTaken,
    StoredFile,
    new_report_id,
    work_digest,
)
from waybill.kinds import Artefact, Kind, Registry
from waybill.ledger import Ledger
from waybill.store import StoreUnavailable
from waybill.store.statements import step_results
from waybill.telemetry import tracer
from waybill_client import WaybillClient

pytest_plugins = ["tests.support.lifecycle_fixtures"]

Run = tuple[int, int]
"""The number of a step whose body ran, and the attempt."""


def runs(log: Path, report_id: UUID | str) -> list[Run]:
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return [(int(number), int(attempt)) for of, number, attempt in lines if of == str(report_id)]


def reused(told: list[sse.Told]) -> list[tuple[str, int, int]]:
    """Of the steps that ended without running: the name, the attempt, and the one that has stored it."""
    ended = [event.data for event in told if event.event == "step" and event.data["step"]["status"] == "done"]
    return [
        (one["step"]["name"], one["attempt"], one["step"]["reused_from_attempt"])
        for one in ended
        if one["step"].get("reused")
    ]


# --- on real services


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "runs.log"


def undisturbed(api: httpx.Client, log: Path, **parameters: Any) -> str:
    """The checksum of the artefact of a report that nothing happens to."""
    report = ask.run(api, "resumable", log=str(log), **parameters)
    assert report["status"] == "done"
    return str(report["artefact"]["sha256"])


@pytest.mark.parametrize("how", ["raise", "exit", "kill worker"])
def test_an_attempt_goes_on_where_the_one_before_it_ended(
    how: str, api: httpx.Client, lifecycle: LifecycleStack, log: Path, lifecycle_database: Database
) -> None:
    if how == "kill worker":
        with lifecycle.dying(WORKER):
            report_id = ask.request(api, "resumable", log=str(log), after=1, times=1, how=how)
    else:
        report_id = ask.request(api, "resumable", log=str(log), after=1, times=1, how=how)
    report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"]) == ("done", 2)
    assert report["progress"] == {"step": "step 3", "done": 4, "total": 4}
    assert runs(log, report_id) == [(0, 1), (1, 1), (2, 2), (3, 2)]
    told = sse.listen(api, report_id)
    assert reused(told) == [("step 0", 2, 1), ("step 1", 2, 1)]
    assert report["artefact"]["sha256"] == undisturbed(api, log)
    steps = [event.data["step"] for event in told if event.event == "step"]
    assert [set(step) & {"reused", "reused_from_attempt"} for step in steps if step["name"] > "step 1"] == [
        set()
    ] * 4
    left = lifecycle_database.rows("SELECT key FROM step_results WHERE report_id = :id", id=report_id)
    assert all(row["key"] for row in left)  # files go soon, the rest has gone with the end


def test_it_goes_on_after_its_worker_was_stopped(
    api: httpx.Client, lifecycle: LifecycleStack, log: Path
) -> None:
    report_id = ask.request(api, "resumable", log=str(log), steps=6, seconds=1)
    eventually(lambda: len(runs(log, report_id)) > 2, "two steps that have ended")

    part = lifecycle.runner.node(WORKER)
    assert lifecycle.runner.stop_part(WORKER) == 0
    done = max(number for number, _ in runs(log, report_id))
    lifecycle.runner.start_part(part)
    report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"]) == ("done", 2)
    again = [number for number, attempt in runs(log, report_id) if attempt == 2]
    # Its last one was released in the middle, or has ended in the time to drain.
    assert again in (list(range(done, 6)), list(range(done + 1, 6)))
    assert report["artefact"]["sha256"] == undisturbed(api, log, steps=6)


def test_a_step_that_fails_stores_nothing(api: httpx.Client, log: Path) -> None:
    report_id = ask.request(api, "resumable", log=str(log), after=1, times=2, how="in the next")
    report = ask.ended(api, report_id)

    assert (report["status"], report["attempt"]) == ("done", 3)
    assert runs(log, report_id) == [(0, 1), (1, 1), (2, 1), (2, 2), (2, 3), (3, 3)]
    assert reused(sse.listen(api, report_id))[-1] == ("step 1", 3, 1)


def test_what_people_try_again_goes_on_too(api: httpx.Client, log: Path) -> None:
    report_id = ask.request(api, "resumable", log=str(log), after=2, times=1, how="give up")
    assert ask.ended(api, report_id)["status"] == "fail"

    api.post(f"{ask.REPORTS}/{report_id}:retry").raise_for_status()
    report = ask.ended(api, report_id)

    assert report["status"] == "done"
    assert runs(log, report_id) == [(0, 1), (1, 1), (2, 1), (3, 2)]
    assert report["artefact"]["sha256"] == undisturbed(api, log)


def test_unless_they_want_it_from_the_start(
    api: httpx.Client, log: Path, lifecycle_database: Database
) -> None:
    report_id = ask.request(api, "resumable", log=str(log), after=2, times=1, how="give up")
    assert ask.ended(api, report_id)["status"] == "fail"
    stored = "SELECT step FROM step_results WHERE report_id = :id"
    assert len(lifecycle_database.rows(stored, id=report_id)) == 3

    wrongs: list[Any] = [{"from_start": "yes"}, {"from": True}, []]
    for wrong in wrongs:
        answer = api.post(f"{ask.REPORTS}/{report_id}:retry", json=wrong)
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, answer.text
    assert len(lifecycle_database.rows(stored, id=report_id)) == 3
    api.post(f"{ask.REPORTS}/{report_id}:retry", json={"from_start": True}).raise_for_status()
    report = ask.ended(api, report_id)

    assert report["status"] == "done"
    assert runs(log, report_id) == [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2), (3, 2)]
    assert reused(sse.listen(api, report_id)) == []


def test_the_clients_library_can_ask_for_it(reports: WaybillClient, api: httpx.Client, log: Path) -> None:
    report_id = ask.request(api, "resumable", log=str(log), after=0, times=1, how="give up")
    ask.ended(api, report_id)

    reports.retry(report_id, from_start=True)

    assert ask.ended(api, report_id)["status"] == "done"
    assert [number for number, _ in runs(log, report_id)] == [0, 0, 1, 2, 3]


def test_dead_letters_can_be_redriven_from_the_start(api: httpx.Client, log: Path) -> None:
    report_id = ask.request(api, "resumable", log=str(log), after=0, times=3)
    assert ask.ended(api, report_id)["status"] == "fail"  # three attempts have failed
    reason = ask.letters_of(api, report_id)[0]["reason"]

    answer = api.post(f"{ask.DEAD_LETTERS}:redrive", json={"reason": reason, "from_start": True})

    assert report_id in answer.json()["reports"]
    assert ask.ended(api, report_id)["status"] == "done"
    assert Counter(number for number, _ in runs(log, report_id))[0] == 2


def test_with_other_parameters_everything_runs_again(
    api: httpx.Client, log: Path, lifecycle_database: Database
) -> None:
    report_id = ask.request(api, "resumable", log=str(log), after=1, times=1, how="give up")
    ask.ended(api, report_id)
    # Nobody can do this by the API.
    lifecycle_database.execute(
        "UPDATE reports SET parameters = parameters || '{\"file_bytes\": 10}' WHERE id = :id", id=report_id
    )

    api.post(f"{ask.REPORTS}/{report_id}:retry").raise_for_status()
    report = ask.ended(api, report_id)

    assert report["status"] == "done"
    assert [number for number, _ in runs(log, report_id)] == [0, 1, 0, 1, 2, 3]
    assert report["artefact"]["sha256"] == undisturbed(api, log, file_bytes=10)


def test_the_trace_says_which_span_has_done_it(api: httpx.Client, log: Path, traces: Traces) -> None:
    report_id = ask.request(api, "resumable", log=str(log), after=1, times=1)
    report = ask.ended(api, report_id)

    trace = traces.whole(report["trace_id"], "step 3", "handle_report", "handle_report")

    for name in ("step 0", "step 1"):
        made, again = trace.all(name)
        assert again.links == ((made.trace_id, made.id),)
        assert again.attributes["report.step.reused"] is True
        assert again.attributes["report.step.reused_from_attempt"] == 1
        assert "report.step.reused" not in made.attributes
    assert len(trace.all("step 2")) == 1
    assert not trace["step 2"].links


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("too large", "JSON of 70002 bytes, and 65536 are allowed"),
        ("no JSON", "JSON, or the Path of a file"),
        ("not a number", "JSON, or the Path of a file"),
        ("outside", "must get a file in work.directory"),
        ("above", "must get a file in work.directory"),
        ("directory", "must get a file in work.directory"),
        ("missing", "must get a file in work.directory"),
        ("link", "must get a file in work.directory"),
        ("removed", "must get a file in work.directory"),
        ("twice", "has kept a result"),
        ("no result", "call step.keep first"),
        ("not resumable", "begin it with resume=True"),
        ("same name", "needs a name of its own"),
        ("same file", "is the result of another step"),
    ],
)
def test_a_kind_that_keeps_what_it_must_not_is_told_so(how: str, says: str, api: httpx.Client) -> None:
    report = ask.run(api, "wrong_step", how=how)

    assert (report["status"], report["attempt"]) == ("fail", 1)  # it would be wrong again
    assert says in report["error"]["message"]


def test_reports_of_other_kinds_leave_nothing_behind(api: httpx.Client, lifecycle_database: Database) -> None:
    report = ask.run(api, "flaky", failures=1)

    assert (report["status"], report["attempt"]) == ("done", 2)
    assert (
        lifecycle_database.rows("SELECT step FROM step_results WHERE report_id = :id", id=report["id"]) == []
    )


# --- one attempt after the other in the tests' own process, in a real slot

LEASE = LeasePolicy(time_to_live=timedelta(seconds=6), heartbeat=timedelta(seconds=0.5))
WORKER_NAME = "the worker"


class Artefacts(ArtefactStore):
    """Stores results of steps when it is told to go on; or not at all."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_asked = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_away = False

    def put_of_step(
        self, tenant: str, report_id: UUID, attempt: int, step: str, path: str, file: BinaryIO
    ) -> StoredFile:
        self.is_asked.set()
        assert self.may_go_on.wait(60)
        if self.is_away:
            raise ArtefactStoreUnavailable("It is away.")
        return super().put_of_step(tenant, report_id, attempt, step, path, file)


class BreakingLedger(Ledger):
    """Its connection breaks once as a result is to be stored: after the commit, or before it."""

    def __init__(self, store: Store, *, committed: bool, times: int = 1) -> None:
        super().__init__(store.transactions, LEASE)
        self._committed = committed
        self._times = times

    def steps(self, fence: Fence, taken: list[StepTaken]) -> Report:  # type: ignore[override]
        if self._times and any(one.result for one in taken):
            self._times -= 1
            if self._committed:
                super().steps(fence, taken)
            raise StoreUnavailable("The connection broke.")
        return super().steps(fence, taken)


@dataclass
class Bench:
    store: Store
    folder: Path
    artefacts: Artefacts
    kind: Kind
    slot: Slot
    scratch: Path
    log: Path
    ledger: Ledger | None = None
    interrupted: threading.Event = field(default_factory=threading.Event)

    def request(self, **parameters: Any) -> UUID:
        new = NewReport(new_report_id(), self.kind.name, {"log": str(self.log), **parameters}, None)
        return self.store.ledger.accept(new).id

    def attempt(self, report_id: UUID) -> Report:
        """The next one; the report as it is afterwards."""
        self.store.pass_time(timedelta(hours=1))
        self.store.recovery.requeue_due()
        report = self.store.claim(report_id, WORKER_NAME, attempt_trace())
        assert report is not None
        ledger = self.ledger or self.store.ledger
        cancellations = Cancellations(ledger, WORKER_NAME)
        context = AttemptContext(
            ledger=ledger,
            kinds=Registry([self.kind]),
            artefacts=self.artefacts,
            lease=LEASE,
            retry=RetryPolicy(),
            cancel_grace=timedelta(seconds=1),
            owner=WORKER_NAME,
            cancellations=cancellations,
            scratch=self.scratch,
            interrupted=self.interrupted,
        )
        span = tracer().start_span("report_consumer")
        handle = tracer().start_span("handle_report", set_span_in_context(span))
        if not self.slot.is_alive:
            self.slot.open()
        cancellations.start()
        try:
            Attempt(
                context, Claimed(report, span, handle, ORIGIN, stored=True), self.slot, lambda: None
            ).run()
        finally:
            cancellations.stop()
        after = self.store.ledger.get(report_id)
        assert after is not None
        return after

    def files(self, report_id: UUID) -> list[Path]:
        """Of the report's steps, in the store."""
        return sorted(self.folder.glob(f"default/reports/{report_id}/*/steps/*"))

    def stored(self, report_id: UUID) -> dict[str, int]:
        """The attempt that has stored each step's result, for an attempt as it is now."""
        report = self.store.ledger.get(report_id)
        assert report is not None
        return {
            one.step: one.attempt for one in self.store.ledger.step_results(report_id, work_digest(report))
        }

    def artefact(self, report: Report) -> bytes:
        assert report.artefact is not None
        return b"".join(self.artefacts.open(report.artefact))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with fork_server(tmp_path_factory.mktemp("slots")) as started:
        yield started


@pytest.fixture
def bench(
    store: Store, server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.syspath_prepend(str(KINDS / "src"))
    kind: Kind = import_module("waybill_lifecycle").RESUMABLE
    quick = Store(store.engine, store.artefacts, Policies(lease=LEASE))
    folder = tmp_path / "results"
    artefacts = Artefacts(folder.as_uri())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with opened(server) as slot:
        yield Bench(quick, folder, artefacts, kind, slot, scratch, tmp_path / "runs.log")
        artefacts.may_go_on.set()


def expected(bench: Bench, **parameters: Any) -> bytes:
    report = bench.attempt(bench.request(**parameters))
    assert report.status is Status.DONE
    return bench.artefact(report)


@pytest.mark.parametrize("harm", ["missing", "changed", "shorter"])
def test_a_file_that_is_not_as_it_was_is_not_reused(harm: str, bench: Bench) -> None:
    report_id = bench.request(after=2, times=1)
    assert bench.attempt(report_id).status is Status.INIT
    (file,) = bench.files(report_id)
    match harm:
        case "missing":
            file.unlink()
        case "changed":
            file.write_bytes(file.read_bytes().replace(b"a", b"b"))
        case _:
            file.write_bytes(file.read_bytes()[:-1])

    with capture_logs() as logged:
        report = bench.attempt(report_id)

    assert report.status is Status.DONE
    assert runs(bench.log, report_id) == [(0, 1), (1, 1), (2, 1), (1, 2), (3, 2)]
    (said,) = [one for one in logged if one["event"].startswith("result of a step not reused")]
    assert (said["step"], said["attempt"]) == ("step 1", 2)
    assert bench.artefact(report) == expected(bench)


def test_a_store_that_is_away_costs_an_attempt_and_no_result(bench: Bench) -> None:
    report_id = bench.request(after=2, times=1)
    bench.attempt(report_id)
    (file,) = bench.files(report_id)
    folder = file.parent.rename(file.parent.with_name("away"))
    file.parent.write_text("no folder")  # so that it cannot be read, and is not missing

    failed = bench.attempt(report_id)
    file.parent.unlink()
    folder.rename(file.parent)
    report = bench.attempt(report_id)

    assert failed.failure is not None
    assert (failed.status, failed.failure.type) == (Status.INIT, "artefact_store")
    assert report.status is Status.DONE
    assert runs(bench.log, report_id) == [(0, 1), (1, 1), (2, 1), (3, 3)]


def test_a_result_that_cannot_be_stored_keeps_nothing_up(bench: Bench) -> None:
    bench.artefacts.is_away = True
    report_id = bench.request(after=2, times=1)
    with capture_logs() as logged:
        bench.attempt(report_id)
    bench.artefacts.is_away = False

    report = bench.attempt(report_id)

    assert any(one["event"].startswith("result of a step not stored") for one in logged)
    assert report.status is Status.DONE
    assert runs(bench.log, report_id) == [(0, 1), (1, 1), (2, 1), (1, 2), (3, 2)]


@pytest.mark.parametrize("committed", [False, True])
def test_the_database_may_be_away_as_a_result_is_to_be_stored(committed: bool, bench: Bench) -> None:
    bench.ledger = BreakingLedger(bench.store, committed=committed)
    report_id = bench.request(after=1, times=1)

    bench.attempt(report_id)

    assert bench.stored(report_id) == {"step 0": 1, "step 1": 1}
    assert bench.attempt(report_id).status is Status.DONE
    assert runs(bench.log, report_id) == [(0, 1), (1, 1), (2, 2), (3, 2)]


@pytest.mark.parametrize(("committed", "again"), [(False, [0]), (True, [])])
def test_where_it_stays_away_a_result_is_stored_whole_or_not_at_all(
    committed: bool, again: list[int], bench: Bench
) -> None:
    bench.ledger = BreakingLedger(bench.store, committed=committed, times=1000)
    report_id = bench.request()
    lost = bench.attempt(report_id)
    assert lost.status is Status.PROCESSING
    bench.ledger = None
    bench.store.pass_time(timedelta(hours=1))
    bench.store.recovery.recover_lost(timedelta(0))

    assert bench.attempt(report_id).status is Status.DONE
    assert [run for run in runs(bench.log, report_id) if run[1] == 2] == [
        (number, 2) for number in [*again, 1, 2, 3]
    ]


def test_what_another_attempt_has_stored_is_not_replaced_by_one_that_has_lost_its_lease(bench: Bench) -> None:
    report_id = bench.request(after=1, times=1, how="wait")
    report = bench.store.claim(report_id, WORKER_NAME)
    assert report is not None
    fence = Fence(report_id, 1, WORKER_NAME)
    bench.store.pass_time(timedelta(hours=1))
    bench.store.recovery.recover_lost(timedelta(0))

    with pytest.raises(Exception, match="lease"):
        bench.store.ledger.steps(fence, [taken(report)])

    assert bench.stored(report_id) == {}


def taken(report: Report) -> StepTaken:
    """A step that ended with a result."""
    result = StepResult("step 0", work_digest(report), report.attempt, "1", None, None)
    return StepTaken(StepChange("step 0", StepStatus.DONE, 1), Progress("step 0", 1, 4), result)


def test_a_report_that_is_cancelled_waits_for_no_upload(bench: Bench) -> None:
    bench.artefacts.may_go_on.clear()
    report_id = bench.request()

    def cancel() -> None:
        assert bench.artefacts.is_asked.wait(30)
        bench.store.ledger.cancel(report_id)

    threading.Thread(target=cancel).start()
    with within(20):
        report = bench.attempt(report_id)

    assert report.status is Status.CANCELLED
    assert runs(bench.log, report_id) == [(0, 1), (1, 1)]
    assert bench.stored(report_id) == {"step 0": 1}


def test_nor_does_a_worker_that_stops(bench: Bench) -> None:
    bench.artefacts.may_go_on.clear()
    report_id = bench.request()

    def interrupt() -> None:
        assert bench.artefacts.is_asked.wait(30)
        bench.interrupted.set()

    threading.Thread(target=interrupt).start()
    with within(20):
        report = bench.attempt(report_id)
    bench.interrupted.clear()
    bench.artefacts.may_go_on.set()

    assert (report.status, report.interruptions) == (Status.INIT, 1)
    assert bench.attempt(report_id).status is Status.DONE
    assert runs(bench.log, report_id) == [(0, 1), (1, 1), (1, 2), (2, 2), (3, 2)]


def test_the_lease_lasts_while_a_result_is_stored(bench: Bench) -> None:
    bench.artefacts.may_go_on.clear()
    report_id = bench.request(steps=2)
    attempt = threading.Thread(target=bench.attempt, args=(report_id,))
    attempt.start()
    assert bench.artefacts.is_asked.wait(30)

    threading.Timer(1.5 * LEASE.time_to_live.total_seconds(), bench.artefacts.may_go_on.set).start()
    while attempt.is_alive():
        assert bench.store.recovery.recover_lost(timedelta(0)) == []
        attempt.join(0.2)

    after = bench.store.ledger.get(report_id)
    assert after is not None
    assert (after.status, after.attempt) == (Status.DONE, 1)


class TellingSlot(Slot):
    """A slot that its job has taken over: says what it wants to."""

    def __init__(self, *told: FromSlot) -> None:
        self.told = list(told)
        self.jobs = 0

    @property
    def is_alive(self) -> bool:
        return True

    def start(self, job: Job, *, fresh: bool = False, sink: NewSink | None = None) -> None:
        pass

    def receive(self, timeout: float) -> FromSlot | None:  # noqa: ARG002 - as of a Slot
        return self.told.pop(0)

    def note(self) -> None:
        pass

    def end_output(self) -> None:
        pass

    def stop(self) -> None:
        pass


def kept(name: str, value: str | None, path: Path | None = None) -> StepEnded:
    return StepEnded(name, 1, None, kept=Kept(value, path, None))


def test_whatever_a_slot_says_no_file_of_others_is_stored(bench: Bench) -> None:
    bench.slot = TellingSlot(kept("a step", None, Path("/etc/hostname")))
    report_id = bench.request()

    report = bench.attempt(report_id)

    assert report.failure is not None
    assert (report.status, report.failure.type) == (Status.FAIL, "permanent")
    assert (bench.stored(report_id), bench.files(report_id)) == ({}, [])


def test_and_no_more_than_the_bounds(bench: Bench) -> None:
    value = json.dumps("x" * (MAX_VALUE_BYTES - 2))
    most = MAX_VALUES_BYTES // MAX_VALUE_BYTES
    bench.slot = TellingSlot(*(kept(f"step {number}", value) for number in range(most + 5)))
    report_id = bench.request()

    report = bench.attempt(report_id)

    assert report.status is Status.FAIL
    assert len(bench.stored(report_id)) == most


def test_large_files_are_never_in_memory_as_a_whole(bench: Bench) -> None:
    size = 200 * 2**20
    report_id = bench.request(steps=2, after=1, times=1, file_bytes=size)
    before = _peak_memory()

    bench.attempt(report_id)
    report = bench.attempt(report_id)

    assert report.status is Status.DONE
    assert runs(bench.log, report_id) == [(0, 1), (1, 1)]
    assert bench.files(report_id)[0].stat().st_size == size
    assert _peak_memory() - before < size / 2  # of a file, some parts are sent at once


def _peak_memory() -> int:
    """Of this process, in which the attempts are, in bytes."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


def test_what_is_stored_goes_when_the_report_is_done(bench: Bench, store: Store) -> None:
    report_id = bench.request(after=3, times=1)
    bench.attempt(report_id)
    assert set(bench.stored(report_id)) == {"step 0", "step 1", "step 2", "step 3"}
    assert len(bench.files(report_id)) == 2
    assert store.retention.remove_step_results(bench.artefacts).removed == 0  # a retry needs it

    report = bench.attempt(report_id)

    assert set(bench.stored(report_id)) == {"step 1", "step 3"}
    assert store.retention.remove_step_results(bench.artefacts).removed == 1
    assert (bench.stored(report_id), bench.files(report_id)) == ({}, [])
    assert bench.artefact(report)  # beside them
    assert store.retention.remove_step_results(bench.artefacts).removed == 0


def test_files_that_cannot_be_removed_keep_no_other_from_it(
    bench: Bench, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (bench.request(steps=2) for _ in range(2))
    for report_id in (first, second):
        bench.attempt(report_id)
    remove = bench.artefacts.remove_of_steps

    def refuse(tenant: str, report_id: UUID) -> None:
        if report_id == first:
            raise ArtefactStoreUnavailable("It refuses.")
        remove(tenant, report_id)

    monkeypatch.setattr(bench.artefacts, "remove_of_steps", refuse)
    removed = store.retention.remove_step_results(bench.artefacts)
    assert (removed.removed, removed.error is not None) == (0, True)
    assert store.retention.remove_step_results(bench.artefacts, removed.until).removed == 1

    monkeypatch.undo()
    assert store.retention.remove_step_results(bench.artefacts).removed == 1


def test_with_the_report_goes_everything(bench: Bench, store: Store) -> None:
    report_id = bench.request(after=2, times=1, how="give up")
    assert bench.attempt(report_id).status is Status.FAIL
    store.pass_time(timedelta(days=40))

    assert store.retention.remove_reports(bench.artefacts).removed == 1

    assert bench.files(report_id) == []
    with store.engine.connect() as connection:
        assert step_results.of_report(connection, report_id, "") == []


def test_an_artefact_may_have_the_name_of_the_folder_of_results(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text("one")
    report_id = new_report_id()
    with file.open("rb") as opened_file:
        bench.artefacts.put_of_step("default", report_id, 1, "a step", "one.txt", opened_file)
        stored = bench.artefacts.put(
            "default", report_id, 1, Artefact(file, "text/plain", "steps"), opened_file
        )

    bench.artefacts.remove_of_steps("default", report_id)

    assert b"".join(bench.artefacts.open(stored)) == b"one"
    bench.artefacts.remove_all("default", report_id, 1)
    assert not list((tmp_path / "results").rglob("*.txt"))


def test_a_first_attempt_reads_no_results(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[UUID] = []
    read = Ledger.step_results
    monkeypatch.setattr(
        Ledger,
        "step_results",
        lambda *args: asked.append(args[1]) or read(*args),  # type: ignore[func-returns-value]
    )
    report_id = bench.request(after=0, times=1)
    bench.attempt(report_id)
    assert asked == []
    bench.attempt(report_id)
    assert asked == [report_id]

"""Slots, without a worker: whatever a job does, nothing of it is left, and no other job notices."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from report_worker.attempt import AttemptContext
from report_worker.claims import Claims
from report_worker.runner import Runners
from report_worker.slots import (
    Failed,
    ForkServer,
    FromSlot,
    Produced,
    Slot,
    SlotDied,
    StepEnded,
    StepStarted,
    state,
)
from report_worker.slots.channel import Channel, WrongFrameError
from report_worker.slots.fork_server import ForkedProcess
from report_worker.slots.output import Output
from report_worker.slots.processes import children
from report_worker.slots.protocol import FROM_SLOT, TO_SLOT, Ready
from tests.support import slots
from tests.support.slots import fork_server, opened, processes_with, run
from tests.support.waiting import eventually
from waybill.domain import new_report_id


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with fork_server(tmp_path_factory.mktemp("slots"), WHATEVER="as it was") as started:
        yield started


@pytest.fixture
def slot(server: ForkServer) -> Iterator[Slot]:
    with opened(server) as one:
        yield one


# A slot's process tree


WAYS_TO_START = ["child", "session", "orphan", "daemon", "hydra", "stubborn"]


def _kill_template(slot: Slot) -> None:
    os.kill(slots.template_of(slot), signal.SIGKILL)


def _crash(slot: Slot) -> None:
    assert slot.pid
    os.kill(slot.pid, signal.SIGSEGV)


@pytest.mark.parametrize("how", WAYS_TO_START)
@pytest.mark.parametrize("end", [Slot.stop, Slot.kill, _crash], ids=["stop", "kill", "crash"])
def test_what_a_job_has_started_ends_with_its_slot(
    slot: Slot, tmp_path: Path, how: str, end: Callable[[Slot], None]
) -> None:
    report_id = new_report_id()
    slot.start(slots.job("spawn", tmp_path, report_id, how=how, seconds=600))
    eventually(lambda: processes_with(str(report_id)), "what the job starts")

    end(slot)

    eventually(lambda: not processes_with(str(report_id)), "the end of what the job has started")


@pytest.mark.parametrize("how", WAYS_TO_START)
def test_what_a_job_has_started_ends_before_its_end_is_known(slot: Slot, tmp_path: Path, how: str) -> None:
    """Else it might go on to write where the next attempt does."""
    report_id = new_report_id()
    slot.start(slots.job("spawn", tmp_path, report_id, how=how))  # its process ends in the step

    with pytest.raises(SlotDied, match="exit code 41"):
        slots.outcome(slot)

    assert not processes_with(str(report_id))


def test_a_job_that_leaves_a_process_behind_is_done_and_its_slot_is_not_used_again(
    slot: Slot, tmp_path: Path
) -> None:
    report_id = new_report_id()

    result = run(slot, "spawn", tmp_path, report_id, how="daemon", seconds=0.1)

    assert isinstance(result, Produced)
    assert result.left_over == ("child processes",)


def _worker(directory: Path, report_id: str) -> "subprocess.Popen[str]":
    """A process with one slot, in which a job of the kind `spawn` runs that has started a daemon."""
    program = f"""
        import time
        from pathlib import Path
        from uuid import UUID
        from report_worker.slots import ForkServer, Options, Slot
        from report_worker.slots.environment import slot_environment
        from tests.support import slots
        import os

        environment = slot_environment(os.environ)
        server = ForkServer(Options(512, "json", "warning", traced=False), environment, adopts_orphans=True)
        slot = Slot(server)
        slot.open()
        directory, report_id = Path({str(directory)!r}), UUID({report_id!r})
        slot.start(slots.job("spawn", directory, report_id, how="daemon", seconds=600))
        print(slot.pid, slots.template_of(slot), flush=True)
        time.sleep(600)
    """
    path = os.pathsep.join([str(Path(__file__).parents[2]), slots.kinds_path(directory)])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("killed", ["worker", "template"])
def test_what_a_job_has_started_ends_when_a_process_above_it_is_killed(tmp_path: Path, killed: str) -> None:
    report_id = str(new_report_id())
    with _worker(tmp_path, report_id) as worker:
        assert worker.stdout
        slot, template = map(int, worker.stdout.readline().split())
        eventually(lambda: processes_with(report_id), "the daemon")

        os.kill(worker.pid if killed == "worker" else template, signal.SIGKILL)

        eventually(lambda: not processes_with(report_id), "the daemon's end")
        eventually(lambda: not _runs(slot) and not _runs(template), "the end of slot and template")
        worker.kill()


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_after_the_death_of_the_template_slots_open_from_another(tmp_path: Path) -> None:
    with fork_server(tmp_path) as server, opened(server) as slot:
        first = slots.template_of(slot)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(SlotDied):
            slots.outcome(slot)

        slot.open()

        assert slots.template_of(slot) != first
        assert isinstance(run(slot, "alone", tmp_path), Produced)


def test_a_template_that_stands_still_costs_no_more_than_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job may stop its parent by a signal."""
    monkeypatch.setattr("report_worker.slots.slot._KILL_SECONDS", 1)
    with fork_server(tmp_path) as server, opened(server) as slot:
        os.kill(slots.template_of(slot), signal.SIGSTOP)

        slot.kill()
        slot.open()

        assert isinstance(run(slot, "alone", tmp_path), Produced)


# What a job raises


@pytest.mark.parametrize(
    ("how", "type_", "message"),
    [
        ("asyncio", "asyncio.exceptions.CancelledError", "CancelledError"),
        (
            "unreadable",
            "waybill_lifecycle.jobs.UnreadableError",
            "UnreadableError (its message cannot be read)",
        ),
        ("exit", "SystemExit", "over and out"),
        ("interrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
        ("generator", "GeneratorExit", "GeneratorExit"),
        ("odd", "waybill_lifecycle.jobs.OddError", "odd"),
        ("cancelled", "report_worker.slots.work.JobCancelled", "cancelled"),
        ("nameless", "exception", "nameless"),
        ("classless", "waybill_lifecycle.jobs.ClasslessError", "classless"),
        ("long", ("\\ud800" * 2000)[:1999] + "…", "long"),
    ],
)
def test_an_exception_of_any_class_fails_its_step(
    slot: Slot, tmp_path: Path, how: str, type_: str, message: str
) -> None:
    slot.start(slots.job("raise_one", tmp_path, how=how))
    result, told = slots.outcome(slot)

    assert isinstance(result, Failed)
    assert (result.error_type, result.message, result.step) == (type_, message, "only step")
    assert slots.ended_steps(told) == {"only step": message}
    assert "jobs.py" in result.traceback


@pytest.mark.parametrize(("how", "code"), [("return", "0"), ("exit", "3"), ("exception", "1")])
def test_a_process_that_a_job_has_forked_has_no_outcome_of_its_own(
    slot: Slot, tmp_path: Path, how: str, code: str
) -> None:
    slot.start(slots.job("fork", tmp_path, how=how))
    result, told = slots.outcome(slot)

    assert isinstance(result, Produced), result
    assert result.files[0].path.read_text() == f"attempt 1 {code}\n"
    assert [type(one) for one in told] == [StepStarted, StepEnded]
    assert result.left_over == ()


def test_a_file_whose_name_is_no_text_fails_its_report(slot: Slot, tmp_path: Path) -> None:
    result = run(slot, "return_one", tmp_path, how="no text")

    assert isinstance(result, Failed), result
    assert "no Unicode text" in result.message


def test_a_job_that_closes_files_of_ours_does_not_wait_for_its_time_out(slot: Slot, tmp_path: Path) -> None:
    slot.start(slots.job("crash", tmp_path, how="closed files"))

    with pytest.raises(SlotDied):
        slots.outcome(slot)


# What a job may use


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver", "executor"])
def test_a_job_may_have_processes_of_its_own(slot: Slot, tmp_path: Path, how: str) -> None:
    result = run(slot, "pool", tmp_path, how=how)

    assert isinstance(result, Produced), result
    assert "[0, 1, 4, 9, 16]" in result.files[0].path.read_text()


LEAVINGS = [
    "working directory",
    "environment",
    "time zone",
    "umask",
    "locale",
    "signal handlers",
    "timers",
    "threads",
    "child processes",
    "standard streams",
    "open files",
    "resource limits",
    "scheduling",
    "interpreter settings",
    "module defaults",
]


def test_each_part_of_the_state_is_tested() -> None:
    assert set(LEAVINGS) == set(state._PARTS)


@pytest.mark.parametrize("what", LEAVINGS)
def test_what_a_job_leaves_in_its_process_is_noticed(slot: Slot, tmp_path: Path, what: str) -> None:
    result = run(slot, "leave", tmp_path, how=what)

    assert isinstance(result, Produced), result
    assert what in result.left_over


def test_too_many_open_files_of_a_job_are_noticed(slot: Slot, tmp_path: Path) -> None:
    result = run(slot, "leave", tmp_path, how="too many open files")

    assert isinstance(result, Produced), result
    assert result.left_over == ("open files",)


@pytest.mark.parametrize(("part", "left"), [(1 / 4, ()), (5 / 8, ("memory",))])
def test_memory_that_a_job_keeps_is_noticed_before_the_next_lacks_it(
    slot: Slot, tmp_path: Path, part: float, left: tuple[str, ...]
) -> None:
    result = run(slot, "leak", tmp_path, mebibytes=int(slots.MEMORY_MIB * part))

    assert isinstance(result, Produced), result
    assert result.left_over == left


def test_a_job_that_leaves_nothing_leaves_its_process_to_the_next(slot: Slot, tmp_path: Path) -> None:
    for _ in range(3):
        result = run(slot, "slow", tmp_path, steps=2, seconds=0)
        assert isinstance(result, Produced)
        assert result.left_over == ()


def test_what_a_job_sets_in_its_context_ends_with_it(tmp_path: Path) -> None:
    """Such as OpenTelemetry's current span: spans of the next report would else be in its trace."""
    package = strange_package(
        tmp_path,
        "from opentelemetry import context",
        "assert context.get_value('left') is None; context.attach(context.set_value('left', True))",
    )
    with fork_server(tmp_path, package) as server, opened(server) as slot:
        for _ in range(2):
            result = run(slot, "strange", tmp_path)
            assert isinstance(result, Produced), result
            assert result.left_over == ()


@pytest.mark.parametrize(("kind", "parameters"), [("flights", {"month": 2}), ("dowork", {"max_step_ms": 0})])
def test_our_own_kinds_leave_nothing(
    slot: Slot, tmp_path: Path, kind: str, parameters: dict[str, Any]
) -> None:
    result = run(slot, kind, tmp_path, **parameters)

    assert isinstance(result, Produced), result
    assert result.left_over == ()


def test_a_kind_can_have_a_process_for_each_report(slot: Slot, tmp_path: Path) -> None:
    processes = []
    for _ in range(2):
        slot.start(slots.job("alone", tmp_path), fresh=True)
        result, _ = slots.outcome(slot)
        assert isinstance(result, Produced)
        assert result.left_over
        processes.append(result.files[0].path.read_text())

    assert processes[0] != processes[1]


def test_a_traced_job_that_leaves_nothing_leaves_its_process_to_the_next(tmp_path: Path) -> None:
    """What telemetry sets up in the process is not the job's."""
    exporters = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none")
    with fork_server(tmp_path, traced=True, **exporters) as server, opened(server) as slot:
        for _ in range(2):
            result = run(slot, "dowork", tmp_path, max_step_ms=0)
            assert isinstance(result, Produced)
            assert result.left_over == ()


# What a job may see


def test_a_job_finds_no_credentials_of_ours(tmp_path: Path) -> None:
    """It reads the environment of every process of its user, as far as one without capabilities can."""
    secret = f"secret-{new_report_id()}"
    program = """
        import os, sys
        from pathlib import Path
        from report_worker.slots import ForkServer, Options, Slot
        from report_worker.slots.environment import slot_environment, telemetry_secrets
        from tests.support import slots
        from waybill.prctl import hide_from_own_user

        hide_from_own_user()
        options = Options(512, "json", "warning", traced=True, secrets=telemetry_secrets(os.environ))
        server = ForkServer(options, slot_environment(os.environ))
        slot = Slot(server)
        slot.open()
        print(slots.run(slot, "read", Path(sys.argv[1])).files[0].path.read_text())
        server.close()
    """
    path = os.pathsep.join([str(Path(__file__).parents[2]), slots.kinds_path(tmp_path)])
    secrets = {
        "WAYBILL_DATABASE_URL": f"postgresql://user:{secret}@host/db",
        "PGPASSWORD": secret,
        "AWS_SECRET_ACCESS_KEY": secret,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={secret}",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
    }
    done = subprocess.run(
        [sys.executable, "-c", slots.WITHOUT_CAPABILITIES, textwrap.dedent(program), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path, "NOT_A_SECRET": "seen", **secrets},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "NOT_A_SECRET" in done.stdout, "it has read something"
    assert secret not in done.stdout


# What a broken or hostile kind sends


class OneSlot(ForkServer):
    """Forks nothing: the test is the slot's process."""

    def __init__(self) -> None:
        self.end_of_slot: socket.socket | None = None

    def fork(self, connection: socket.socket, output: Output | None = None) -> ForkedProcess:  # noqa: ARG002
        self.end_of_slot = connection.dup()
        self.end_of_slot.sendall(frame(Ready()))
        return ForkedProcess(os.getpid())

    def end(self, process: ForkedProcess, seconds: float) -> None:
        """It ends with the test."""


def frame(message: FromSlot) -> bytes:
    body = FROM_SLOT.dump_json(message)
    return len(body).to_bytes(4, "big") + body


@pytest.fixture
def sender() -> Iterator[tuple[Slot, socket.socket]]:
    server = OneSlot()
    slot = Slot(server)
    slot.open()
    assert server.end_of_slot
    with server.end_of_slot as end:
        yield slot, end
    slot.kill()


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\2{}",
        b"\0\0\0\4null",
        b"\xff\xff\xff\xff",
        b'\0\0\0\x12{"type": "unheard"',
        b"\0\0\0\1\xff",
        frame(StepStarted("a step")).replace(b"step_started", b"step_forgery"),
        frame(StepStarted("a step")).replace(b"a step", rb"\u0000"),
        frame(StepEnded("a step", 1_000_000_000, None)).replace(b"1000000000", b"9000000000"),
    ],
)
def test_what_is_no_message_ends_the_slot(sender: tuple[Slot, socket.socket], sent: bytes) -> None:
    slot, end = sender
    end.sendall(sent)

    with pytest.raises(SlotDied, match="broke the protocol"):
        slot.receive(10)


@given(sent=st.binary(min_size=1, max_size=60))
def test_whatever_a_slot_sends_is_a_message_or_its_end(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        channel = Channel(ours, TO_SLOT, FROM_SLOT)
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        with suppress(EOFError, WrongFrameError):
            while True:
                assert isinstance(channel.receive(10), FromSlot)
        channel.close()


def test_files_that_a_slot_sends_are_closed(sender: tuple[Slot, socket.socket]) -> None:
    slot, end = sender
    reading, writing = os.pipe()
    socket.send_fds(end, [frame(StepStarted("a step"))], [writing])
    os.close(writing)

    assert slot.receive(10) == StepStarted("a step")
    assert os.read(reading, 1) == b""  # the end: nobody has the other side
    os.close(reading)


def test_half_a_message_holds_nobody_up(sender: tuple[Slot, socket.socket]) -> None:
    slot, end = sender
    whole = frame(StepStarted("a step"))
    end.sendall(whole[:9])
    assert slot.receive(0.05) is None

    end.sendall(whole[9:])

    assert slot.receive(10) == StepStarted("a step")


# Kinds that cannot be imported in advance


def strange_package(directory: Path, source: str, job: str = "pass") -> Path:
    """The folder of a package whose kind `strange` runs `source` when its implementation is imported, and
    `job` in each job."""
    package = directory / "package"
    package.mkdir()
    (package / "strange.py").write_text(
        "import os, sys, threading, time\n"
        "from waybill.kinds import Artefact, Kind, Parameters\n"
        "KIND = Kind('strange', 'Strange', 'Strange.', Parameters, lambda _: (), 'strange_job:produce')\n"
    )
    (package / "strange_job.py").write_text(
        "import os, sys, threading, time\n"
        "from waybill.kinds import Artefact\n"
        "MAIN = os.getpid() == os.getsid(0) and 'listen' in {one.name for one in threading.enumerate()}\n"
        f"{source}\n"
        "def produce(parameters, work):\n"
        f"    {job}\n"
        "    path = work.directory / 'report.txt'\n"
        "    path.write_text('strange')\n"
        "    return Artefact(path, 'text/plain', 'report.txt')\n"
    )
    metadata = package / "strange-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[waybill.kinds]\nstrange = strange:KIND\n")
    return package


@pytest.mark.parametrize(
    ("source", "left_over"),
    [
        ("threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", ("threads",)),
        ("MAIN or os._exit(3)", ()),
        ("MAIN or sys.exit(3)", ()),
    ],
    ids=["leaves a thread", "ends the process", "exits"],
)
def test_a_kind_that_the_template_cannot_import_costs_no_other_kind(
    tmp_path: Path, source: str, left_over: tuple[str, ...]
) -> None:
    """One that leaves a thread has a process for each report."""
    package = strange_package(tmp_path, source)

    with fork_server(tmp_path, package) as server, opened(server) as slot:
        assert isinstance(run(slot, "slow", tmp_path, steps=1, seconds=0), Produced)
        result = run(slot, "strange", tmp_path)

    assert isinstance(result, Produced), result
    assert result.left_over == left_over


def test_no_other_template_follows_one_that_its_server_ended_as_it_started(tmp_path: Path) -> None:
    """A worker may be stopped while the kinds are still being imported."""
    importing = tmp_path / "importing"
    package = strange_package(tmp_path, f"open({str(importing)!r}, 'w').close(); time.sleep(600)")
    refused: list[SlotDied] = []

    def open_slot(slot: Slot) -> None:
        try:
            slot.open()
        except SlotDied as error:
            refused.append(error)

    with fork_server(tmp_path, package) as server, capture_logs() as lines:
        opening = threading.Thread(target=open_slot, args=(Slot(server),))
        opening.start()
        eventually(importing.exists, "the import")
        templates = children()

        server.close()
        opening.join()

        assert [str(one) for one in refused] == ["No slot is started any more: the worker stops."]
        assert templates - children(), "its template has ended"
        assert children() <= templates
        assert not lines, "no kind is to blame"


# A slot by itself


def test_a_slot_may_be_ended_more_than_once(server: ForkServer) -> None:
    slot = Slot(server)
    slot.open()

    for _ in range(2):
        slot.kill()
        slot.stop()

    assert not slot.is_alive


# Its runner


class NoClaims(Claims):
    """There is no report to run."""

    def __init__(self) -> None:
        self.looks: list[float] = []

    def next(self, seconds: float, _: object = None) -> None:
        self.looks.append(seconds)
        Event().wait(0.01)


@contextmanager
def runners(server: ForkServer, number: int = 1) -> Iterator[tuple[Runners, NoClaims]]:
    """Until the end of the block, which ends them."""
    claims, stopping = NoClaims(), Event()
    started = Runners(cast(AttemptContext, SimpleNamespace(output=None)), claims, server, number, 0)
    started.start(stopping)
    try:
        yield started, claims
    finally:
        stopping.set()
        started.close()


def test_a_free_slot_that_has_died_is_opened_again(tmp_path: Path) -> None:
    with fork_server(tmp_path) as server, runners(server) as (_, claims):
        eventually(lambda: claims.looks, "a report is wanted: the slot is open")
        (slot,) = slots.all_of(server)
        os.kill(slot, signal.SIGKILL)

        eventually(lambda: slots.all_of(server) - {slot}, "the slot again")


def test_a_report_is_wanted_only_once_a_slot_takes_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a report waits for its slot to start, nobody renews its lease."""
    may_open, is_opening = Event(), Event()
    fork = ForkServer.fork

    def wait_and_fork(server: ForkServer, connection: socket.socket, output: None) -> ForkedProcess:
        is_opening.set()
        may_open.wait(30)
        return fork(server, connection, output)

    monkeypatch.setattr(ForkServer, "fork", wait_and_fork)
    with fork_server(tmp_path) as server, runners(server) as (_, claims):
        assert is_opening.wait(30)
        assert not claims.looks
        may_open.set()
        eventually(lambda: claims.looks, "the slot")


def test_slots_that_still_start_end_with_their_runners(tmp_path: Path) -> None:
    with fork_server(tmp_path) as server:
        with runners(server, 2) as (started, _):
            pass
        with pytest.raises(SlotDied):
            Slot(server).open()
    assert started.missing == 0

"""Parts are started in the order of their needs, watched, stopped in reverse, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.errors import PartFailedError
from local.parts.part import Part, Task
from local.paths import CHECKOUT
from local.ports import Ports
from local.run_dir import RunDir
from local.runner import Runner

SERVER = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1")


@dataclass
class Bench:
    """A runner, and what it reported."""

    runner: Runner
    ports: Ports
    run_dir: RunDir
    reported: list[str] = field(default_factory=list)

    def part(self, name: str, *needs: str, command: tuple[str, ...] = SERVER) -> Part:
        port = self.ports[name]
        health = f"http://127.0.0.1:{port}/"
        return Part(name, (*command, str(port)), port, health, needs, start_seconds=20)

    def task(self, name: str, script: str, *needs: str) -> Task:
        return Task(name, ("sh", "-c", script), needs)

    def report(self, name: str, _seconds: float) -> None:
        self.reported.append(name)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    run_dir = RunDir(tmp_path / "run")
    run_dir.open(fresh=True)
    bench = Bench(Runner(run_dir), Ports.free(), run_dir)
    yield bench
    bench.runner.stop(bench.report)
    bench.ports.release()
    run_dir.close()


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def is_gone(pid: int) -> bool:
    """Ended, whether or not anyone has asked for its exit code."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip().startswith("Z") or not state.stdout.strip()


def test_each_starts_after_what_it_needs_and_stops_before(bench: Bench) -> None:
    bench.runner.start(
        [bench.part("service", "migrate"), bench.task("migrate", "true", "database"), bench.part("database")],
        bench.report,
    )
    assert bench.reported == ["database", "migrate", "service"]

    bench.reported.clear()
    bench.runner.stop(bench.report)

    assert bench.reported == ["service", "database"]
    assert all(is_gone(bench.runner.process(name).pid) for name in ("service", "database"))


def test_a_task_that_fails_is_named_with_the_end_of_its_log(bench: Bench) -> None:
    failing = bench.task("migrate", "echo no such table; exit 3")

    with pytest.raises(PartFailedError, match=r"(?s)migrate ended with exit code 3.*no such table"):
        bench.runner.start([failing, bench.part("service", "migrate")], bench.report)
    assert "service" not in bench.reported


def test_a_program_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(PartFailedError, match="service ended with exit code 127"):
        bench.runner.start([bench.part("service", command=("/does/not/exist",))], bench.report)


def test_a_part_that_dies_is_noticed(bench: Bench) -> None:
    bench.runner.start([bench.part("service")], bench.report)
    bench.runner.check()

    os.kill(bench.runner.process("service").pid, signal.SIGKILL)
    bench.runner.process("service").wait(10)

    with pytest.raises(PartFailedError, match="service was killed by signal 9"):
        bench.runner.check()


def test_a_part_that_was_stopped_on_purpose_is_no_failure(bench: Bench) -> None:
    part = bench.part("service")
    bench.runner.start([part], bench.report)

    assert bench.runner.stop_part("service") == -signal.SIGTERM
    bench.runner.check()

    bench.runner.start_part(part)
    bench.runner.check()
    assert [running.name for running in bench.run_dir.read_parts()] == ["service"]


def test_what_a_part_started_is_gone_when_it_is_stopped(bench: Bench) -> None:
    script = 'sleep 600 & echo $!; exec "$@"'
    bench.runner.start([bench.part("service", command=("sh", "-c", script, "sh", *SERVER))], bench.report)
    child = int(bench.run_dir.log("service").read_text().split()[0])
    assert not is_gone(child)

    bench.runner.stop_part("service")

    assert eventually(lambda: is_gone(child))


SUPERVISOR = """
import sys, time
from pathlib import Path
from local.process import Launcher
launcher = Launcher()
with open(sys.argv[1], "ab") as log:
    command = ("sh", "-c", "echo $$; sleep 600 & echo $!; wait")
    launcher.spawn(command, environment={}, directory=Path("."), output=log)
time.sleep(600)
"""


def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, log], cwd=CHECKOUT)
    assert eventually(lambda: log.exists() and len(log.read_text().split()) == 2)
    started = [int(pid) for pid in log.read_text().split()]
    assert not any(is_gone(pid) for pid in started)

    supervisor.kill()
    supervisor.wait()

    assert eventually(lambda: all(is_gone(pid) for pid in started))

"""On one machine the services and the jobs run as one user: no job can read what the services know."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local.ports import Ports
from report_worker.slots.processes import children
from tests.support.slots import WITHOUT_CAPABILITIES
from tests.support.waiting import PATIENCE, eventually

BECOME = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
READABLE = textwrap.dedent("""
    import os, sys
    from pathlib import Path

    for process in [str(os.getpid()), *sys.argv[1:]]:
        try:
            print(process if Path("/proc", process, "environ").read_bytes() else "")
        except PermissionError:
            pass
""")
"""Prints its own id, and those of the processes whose environment it can read."""
CRASH = textwrap.dedent("""
    import os, resource, sys
    from waybill.prctl import hide_from_own_user

    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    if sys.argv[1] == "hidden":
        hide_from_own_user()
    os.abort()
""")


def without_capabilities(program: str, *arguments: str) -> list[str]:
    """As root has them, its processes are hidden from those without: no test for ours."""
    return [sys.executable, "-c", WITHOUT_CAPABILITIES, program, *arguments]


@contextmanager
def started(service: str, directory: Path) -> Iterator[int]:
    """Its process, once it answers a probe. It has no database and no Kafka."""
    ports = Ports.free()
    health = f"127.0.0.1:{ports['health']}"
    environment = {
        "WAYBILL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "WAYBILL_ARTEFACT_URL": directory.as_uri(),
        "WAYBILL_LISTEN": "127.0.0.1:0",
        "WAYBILL_HEALTH_LISTEN": health,
        "WAYBILL_HTTP_WORKERS": "2",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
    }
    command = without_capabilities(BECOME, str(Path(sys.executable).parent / service))
    process = subprocess.Popen(command, env=environment, start_new_session=True)

    def answers() -> bool | None:
        assert process.poll() is None, "it has ended"
        try:
            return httpx.get(f"http://{health}/healthz", timeout=PATIENCE, trust_env=False) is not None
        except httpx.TransportError:
            return None

    try:
        eventually(answers, f"{service} answers a probe")
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        ports.release()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize(("service", "forks"), [("producer-api", 2), ("report-worker", 0)])
def test_no_other_process_can_read_a_services_environment(service: str, forks: int, tmp_path: Path) -> None:
    """The API is an arbiter and two processes; what the worker forks are slots, which have no secrets."""
    with started(service, tmp_path) as pid:
        eventually(lambda: len(children(str(pid))) >= forks, "its processes have been forked")
        processes = [pid, *sorted(children(str(pid)))[:forks]]

        reader = subprocess.Popen(
            without_capabilities(READABLE, *map(str, processes)), stdout=subprocess.PIPE, text=True
        )
        readable, _ = reader.communicate()

    assert readable.split() == [str(reader.pid)]


def leaves_a_dump(how: str) -> bool:
    """As the kernel says of a process that has crashed."""
    crashed = os.posix_spawn(sys.executable, [sys.executable, "-c", CRASH, how], os.environ)
    _, status = os.waitpid(crashed, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


@pytest.mark.skipif(sys.platform != "linux", reason="core dumps as Linux has them")
def test_a_service_that_crashes_leaves_no_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There would be the database's password in it."""
    monkeypatch.chdir(tmp_path)
    if not leaves_a_dump("seen"):
        pytest.skip("no core dumps here: set kernel.core_pattern to a file's name, and ulimit -c")

    assert not leaves_a_dump("hidden")

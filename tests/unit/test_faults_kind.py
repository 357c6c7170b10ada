"""The job of the tests by faults knows its worker, two processes above it, and kills it if it is told to."""

import os
import signal
import subprocess
import sys

from tests.faults.rig import _KIND


def in_a_child(code: str) -> str:
    """Code that runs other code in a child process, and waits for it."""
    return f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)"


def run_worker(job: str) -> "subprocess.CompletedProcess[str]":
    """A process that prints its pid, with the job in a child of its child."""
    worker = f"import os; print(os.getpid(), flush=True); {in_a_child(in_a_child(job))}"
    environment = {**os.environ, "PYTHONPATH": str(_KIND / "src")}
    command = [sys.executable, "-c", worker]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )


def test_a_job_finds_its_worker_beyond_the_template() -> None:
    ended = run_worker("from waybill_faults.job import _worker; print(_worker())")
    pid, found = ended.stdout.split()
    assert found == pid


def test_a_job_kills_its_worker() -> None:
    job = "from waybill_faults.job import Mode, _fail, time; time.sleep = print; _fail(Mode.KILL_WORKER)"
    assert run_worker(job).returncode == -signal.SIGKILL

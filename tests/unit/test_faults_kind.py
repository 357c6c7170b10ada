"""The job of the tests by faults knows its worker, two processes above it."""

import os
import subprocess
import sys

from tests.faults.rig import _KIND


def in_a_child(code: str) -> str:
    """Code that runs other code in a child process, and waits for it."""
    return f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)"


def test_a_job_finds_its_worker_beyond_the_template() -> None:
    job = "from waybill_faults.job import _worker; print(_worker())"
    worker = f"import os; print(os.getpid(), flush=True); {in_a_child(in_a_child(job))}"
    environment = {**os.environ, "PYTHONPATH": str(_KIND / "src")}
    ended = subprocess.run(
        [sys.executable, "-c", worker],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    pid, found = ended.stdout.split()
    assert found == pid

"""The artefact store's disk is full."""

import resource

from tests.faults import recording
from tests.faults.run import Run

_FREE_BYTES = 1024 * 1024
_FILE_BYTES = 2 * _FREE_BYTES
_FULL_SECONDS = 4.0


def full(run: Run) -> None:
    """No worker can write a file as large as an artefact: the system's limit for the process refuses it, as a
    full disk does, without a disk to fill. Then there is room again."""
    run.wanted = run.scale.outages
    run.load(threads=2, pause=0.3, parameters={"steps": 1, "step_ms": 50, "payload_bytes": _FILE_BYTES})
    for _ in range(run.scale.outages):
        run.wait(1)
        _limit(run, _FREE_BYTES)
        run.inject()
        run.wait(_FULL_SECONDS)
        _limit(run, resource.RLIM_INFINITY)
        run.recover(recording.now(), run.scale.ends_within)


def _limit(run: Run, size: int) -> None:
    for name in run.rig.workers:
        pid = run.rig.stack.pid(name)
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

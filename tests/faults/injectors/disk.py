"""The artefact store's disk is full."""

import resource
from functools import partial

from tests.faults import recording
from tests.faults.run import Run

_FREE_BYTES = 64 * 1024
_FILE_BYTES = 2 * _FREE_BYTES
_FULL_SECONDS = 4.0


def full(run: Run) -> None:
    """There is less room than an artefact needs; then there is enough again."""
    if not run.rig.disk.is_real:
        run.notes.append("imitated by a limit for the workers: mounting a disk is not allowed here")
    run.wanted = run.scale.outages
    run.load(threads=2, pause=0.3, parameters={"steps": 1, "step_ms": 50, "payload_bytes": _FILE_BYTES})
    for _ in range(run.scale.outages):
        run.wait(1)
        before = _refused(run)
        _fill(run)
        run.expect(partial(_has_refused, run, before), run.scale.ends_within, "no artefact was refused")
        run.inject()
        run.wait(_FULL_SECONDS)
        _clear(run)
        run.recover(recording.now(), run.scale.ends_within)


def _has_refused(run: Run, before: int) -> bool:
    return _refused(run) > before


def _refused(run: Run) -> int:
    """How many attempts could not store their artefact."""
    statement = (
        "SELECT count(*) FROM report_events e JOIN reports r ON r.id = e.report_id"
        " WHERE r.parameters->>'fault' = %s AND e.data->'error'->>'type' = 'artefact_store'"
    )
    return int(run.rig.rows(statement, run.name)[0]["count"])


def _fill(run: Run) -> None:
    if run.rig.disk.is_real:
        run.rig.disk.fill(_FREE_BYTES)
    else:
        _limit(run, _FREE_BYTES)


def _clear(run: Run) -> None:
    run.rig.disk.clear()
    if not run.rig.disk.is_real:
        _limit(run, resource.RLIM_INFINITY)


def _limit(run: Run, size: int) -> None:
    for name in run.rig.workers:
        pid = run.rig.stack.pid(name)
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

"""The artefact store's disk is full."""

import resource
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.faults import recording
from tests.faults.run import Run

_FREE_BYTES = 64 * 1024
_FILE_BYTES = 2 * _FREE_BYTES
_FULL_SECONDS = 4.0


def full(run: Run) -> None:
    """There is less room than an artefact needs; then there is enough again."""
    if not run.rig.disk.is_real:
        run.notes.append("imitated by a limit for the workers: mounting a disk is not allowed here")
    run.may_fail.add("artefact_store")
    run.wanted = run.scale.outages
    run.load(threads=2, pause=0.3, parameters={"steps": 1, "step_ms": 50, "payload_bytes": _FILE_BYTES})
    for _ in range(run.scale.outages):
        run.wait(1)
        run.expect_growth(partial(_refused, run), partial(_fill, run), "no artefact was refused")
        run.inject()
        run.wait(_FULL_SECONDS)
        _clear(run)
        run.recover(recording.now(), run.scale.ends_within)
        # What was refused ends before the disk is full again: else some would use up their attempts.
        run.expect(partial(_none_waits, run), run.scale.ends_within, "what was refused does not end")


def _none_waits(run: Run) -> bool:
    statement = (
        "SELECT count(*) FROM reports"
        " WHERE parameters->>'fault' = %s AND failures > 0 AND finished_at IS NULL"
    )
    return not run.rig.rows(statement, run.name)[0]["count"]


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
        for pid in _pids(run):
            limit(pid, _FREE_BYTES)


def _clear(run: Run) -> None:
    run.rig.disk.clear()
    if not run.rig.disk.is_real:
        for pid in _pids(run):
            unlimit(pid)


def _pids(run: Run) -> list[int]:
    """Of the workers, which store the artefacts; their slots make them, on another disk."""
    return [run.rig.stack.pid(name) for name in run.rig.workers]


def limit(pid: int, size: int) -> None:
    """The process can write no larger files."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def unlimit(pid: int) -> None:
    """The process can, and whatever it has started meanwhile."""
    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    for child in _children(pid):
        unlimit(child)


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            yield from map(int, task.read_text().split())

"""Workers that are killed, stopped past their lease, and restarted."""

import signal
import time
from functools import partial

from tests.faults import recording
from tests.faults.checker import Harm, Violation
from tests.faults.rig import LEASE_SECONDS
from tests.faults.run import Run

_EXPORT_SECONDS = 1.0
_OPEN = 32
"""Reports at once: enough to keep every worker busy, too few to wait long for each other."""
_CLAIM_SECONDS = 30.0
"""For the lease, then for the group to give the stopped worker's partitions to others."""


def kill(run: Run) -> None:
    """`kill -9` of one of the workers, every 2 to 10 s, until every report is accepted and has ended."""
    load = run.load(
        threads=4, most_open=_OPEN, most=run.scale.worker_kill_reports, parameters={"steps": 2, "step_ms": 50}
    )
    ended, moved_at = 0, time.monotonic()
    while not run.wait_until(lambda: _is_over(run), run.random.uniform(2, 10)):
        if run.ended() > ended:
            ended, moved_at = run.ended(), time.monotonic()
        elif time.monotonic() - moved_at > run.scale.ends_within:
            break  # the judge will say what is stuck
        name = run.random.choice(run.rig.workers)
        pid = run.rig.stack.pid(name)
        run.strike(name)
        run.rig.stack.kill(name, signal.SIGKILL)
        now = recording.now()
        run.lose_spans("worker killed", now - _EXPORT_SECONDS, now, worker=pid)
        run.inject()
        run.rig.stack.wait_exit(name)
        run.rig.stack.start_part(name)
    load.stop()


def _is_over(run: Run) -> bool:
    return run.accepted() >= run.scale.worker_kill_reports and run.ended() >= run.accepted()


def pause(run: Run) -> None:
    """SIGSTOP of all workers but one until others have their reports, past their lease, then SIGCONT."""
    run.wanted = run.scale.pauses
    stack, workers = run.rig.stack, run.rig.workers
    # Long jobs and no queue: the stopped worker comes back while another is at its report.
    run.load(threads=1, most_open=len(workers), parameters={"steps": 8, "step_ms": 500})
    while run.injected < run.wanted:
        at_once = min(len(workers) - 1, run.wanted - run.injected)
        chosen = run.random.sample(workers, at_once)
        for name in chosen:
            run.wait_until(partial(_is_busy, run, name), 20)
            stack.kill(name, signal.SIGSTOP)
            run.strike(name)
            run.inject()
        run.wait(LEASE_SECONDS)
        run.wait_until(partial(_all_hits_claimed, run), _CLAIM_SECONDS)
        for name in chosen:
            stack.kill(name, signal.SIGCONT)
        run.wait(1)


def _is_busy(run: Run, name: str) -> bool:
    running = "SELECT 1 FROM reports WHERE status = 'processing' AND lease_owner LIKE %s"
    return bool(run.rig.rows(running, run.rig.owner(name)))


def _all_hits_claimed(run: Run) -> bool:
    attempts = {hit.report_id: hit.attempt for hit in run.hits}
    rows = run.rig.rows("SELECT id, attempt FROM reports WHERE id = ANY (%s::uuid[])", list(attempts))
    return all(row["attempt"] > attempts[str(row["id"])] for row in rows)


def rolling_restart(run: Run) -> None:
    """SIGTERM to half of the workers at once, each started again when it has ended; then to the others."""
    run.wanted = run.scale.rolling_restarts
    run.load(threads=2, most_open=len(run.rig.workers) + 2, parameters={"steps": 4, "step_ms": 400})
    for turn in range(run.scale.rolling_restarts):
        names = run.rig.workers[turn % 2 :: 2]
        for name in names:
            run.strike(name)
        codes = run.rig.restart_workers(*names)
        for name, code in zip(names, codes, strict=True):
            if code != 0:
                run.violations.append(
                    Violation(Harm.STUCK, "not_drained", name, f"SIGTERM ended it with {code}")
                )
        run.inject()

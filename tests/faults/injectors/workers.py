"""Workers that are killed, stopped past their lease, and restarted."""

import signal
import time
from collections.abc import Sequence
from functools import partial

from tests.faults import recording
from tests.faults.checker import Harm, Violation
from tests.faults.patience import Patience
from tests.faults.rig import LEASE_SECONDS
from tests.faults.run import Run
from waybill.domain import TERMINAL

_EXPORT_SECONDS = 1.0
_OPEN = 64
"""Reports at once: so many that the workers which are left have some, while others wait in the partitions of
those that were killed."""
_REPORTS_FOR_A_KILL = 200
"""At the most: how many kills there are, while the reports last, is the machine's affair."""
_CLAIM_SECONDS = 90.0
"""For the lease, for the group to give the stopped workers' partitions to the one that is left, and for that
one to get through its own reports and theirs."""


def kill(run: Run) -> None:
    """`kill -9` of a worker in the middle of a job, every 2 to 10 s, until every report is accepted. The
    worker that was killed before must be back first."""
    run.wanted = run.scale.worker_kill_reports // _REPORTS_FOR_A_KILL
    load = run.load(
        threads=4,
        most_open=_OPEN,
        most=run.scale.worker_kill_reports,
        parameters={"steps": 1, "step_ms": 100},
    )
    patience = Patience(run.scale.ends_within)
    killed_at = time.monotonic()
    while not run.wait_until(lambda: _all_accepted(run), _left(killed_at + run.random.uniform(2, 10))):
        if patience.ends_at(run.ended()):
            break  # the judge will say what is stuck
        now = time.monotonic()
        if kill_one(run):
            killed_at = now
            run.inject()
    load.stop()


def kill_one(run: Run) -> bool:
    """`kill -9` of any worker that is in the middle of a job, and another one in its place; whether there was
    one."""
    name = _stop_any_at_work(run, run.rig.workers)
    if name is None:
        return False  # they are all between two jobs
    pid = run.rig.stack.pid(name)
    run.rig.stack.kill(name, signal.SIGKILL)
    now = recording.now()
    run.lose_spans("worker killed", now - _EXPORT_SECONDS, now, worker=pid)
    run.rig.stack.wait_exit(name)
    run.rig.stack.start_part(name)
    return True


def _left(until: float) -> float:
    """Some time at least: workers that were found between two jobs are left alone for a moment."""
    return max(0.2, until - time.monotonic())


def _stop_any_at_work(run: Run, names: Sequence[str]) -> str | None:
    """Stops (SIGSTOP) the first of the workers, in any order, that is in the middle of a job; which one."""
    return next((one for one in run.random.sample(names, len(names)) if _stop_at_work(run, one)), None)


def _stop_at_work(run: Run, name: str) -> bool:
    """Stops a worker (SIGSTOP) if it is in the middle of a job; whether it was."""
    run.rig.stack.kill(name, signal.SIGSTOP)
    if run.strike(name):
        return True
    run.rig.stack.kill(name, signal.SIGCONT)
    return False


def _all_accepted(run: Run) -> bool:
    return run.accepted() >= run.scale.worker_kill_reports


def pause(run: Run) -> None:
    """SIGSTOP of all workers but one until others have their reports, past their lease, then SIGCONT."""
    run.wanted = run.scale.pauses
    stack, workers = run.rig.stack, run.rig.workers
    # Long jobs and no queue: the stopped worker comes back while another is at its report.
    run.load(threads=1, most_open=len(workers), parameters={"steps": 8, "step_ms": 500})
    while run.injected < run.wanted:
        stopped: list[str] = []
        for _ in range(min(len(workers) - 1, run.wanted - run.injected)):
            run.expect(partial(_stop_one_more, run, stopped), run.scale.ends_within, "nobody has a job")
            run.inject()
        run.wait(LEASE_SECONDS)
        if not run.wait_until(partial(_all_hits_claimed, run), _CLAIM_SECONDS):
            run.violations.append(
                Violation(Harm.STUCK, "not_taken_over", ", ".join(stopped), "nobody takes its reports over")
            )
        for name in stopped:
            stack.kill(name, signal.SIGCONT)
        run.wait(1)


def _stop_one_more(run: Run, stopped: list[str]) -> bool:
    """Whether another worker was at work, which is one of `stopped` then."""
    name = _stop_any_at_work(run, [one for one in run.rig.workers if one not in stopped])
    stopped += [name] if name else []
    return name is not None


def _all_hits_claimed(run: Run) -> bool:
    attempts = {hit.report_id: hit.attempt for hit in run.hits}
    rows = run.rig.rows("SELECT id, attempt, status FROM reports WHERE id = ANY (%s::uuid[])", list(attempts))
    return all(row["attempt"] > attempts[str(row["id"])] or row["status"] in TERMINAL for row in rows)


def rolling_restart(run: Run) -> None:
    """SIGTERM to half of the workers at once, while all have jobs, each started again when it has ended; then
    to the others. The jobs are longer than the time to drain, so that most must be handed back."""
    run.wanted = run.scale.rolling_restarts
    run.hands_back = True
    run.load(threads=2, most_open=2 * len(run.rig.workers), parameters={"steps": 5, "step_ms": 500})
    for _ in range(run.scale.rolling_restarts):
        for half in range(2):
            names = run.rig.workers[half::2]
            never = f"{', '.join(names)} never have jobs at once"
            run.expect(partial(_all_strike, run, names), run.scale.ends_within, never)
            codes = run.rig.restart_workers(*names)
            for name, code in zip(names, codes, strict=True):
                if code != 0:
                    run.violations.append(
                        Violation(Harm.STUCK, "not_drained", name, f"SIGTERM ended it with {code}")
                    )
        run.inject()


def _all_strike(run: Run, names: Sequence[str]) -> bool:
    """Notes what they are at, if all of them have jobs."""
    before = len(run.hits)
    if all(run.strike(name) for name in names):
        return True
    del run.hits[before:]
    return False

"""Workers and slots that are killed while reports have done a part of their steps."""

import os
import signal
import time
from contextlib import suppress

from report_worker.slots.processes import children
from tests.faults import recording, resumed
from tests.faults.checker import Harm, Violation
from tests.faults.injectors.workers import kill_one
from tests.faults.patience import Patience
from tests.faults.rig import API
from tests.faults.run import Run

_STEPS = 10
_OPEN = 32
_REPORTS_FOR_A_WORKER = 50
_REPORTS_FOR_A_SLOT = 10
"""At the most, of one that is killed: how many kills there are, while the reports last, is the machine's
affair."""
_WORKER_EVERY = 2.0, 5.0
_SLOT_EVERY = 0.2, 0.8
_SETTINGS = {"WAYBILL_RETRY_MAX_DELAY_SECONDS": "2"}
"""However often a report's slot is killed, it is soon tried again."""
_COMMITTED_AND_REUSED = """
SELECT e.report_id::text AS report_id, (e.data->>'attempt')::int AS attempt,
    e.data->'step'->>'name' AS name, (e.data->'step'->>'reused_from_attempt')::int AS made_in,
    coalesce((e.data->'step'->>'reused')::boolean, false) AS reused
FROM report_events e JOIN reports r ON r.id = e.report_id
WHERE r.parameters->>'fault' = %s AND e.type = 'step' AND e.data->'step'->>'status' = 'done'
"""


def killed(run: Run) -> None:
    """SIGKILL of workers and of slots at random, until every report has ended; each has ten steps."""
    run.rig.reconfigure(API, *run.rig.workers, **_SETTINGS)
    kill(run)
    run.rig.reconfigure(API, *run.rig.workers)


def kill(run: Run) -> None:
    """The same with services that have the settings, or lack something."""
    most = run.scale.resume_reports
    wanted_workers, wanted_slots = max(1, most // _REPORTS_FOR_A_WORKER), most // _REPORTS_FOR_A_SLOT
    run.wanted = wanted_workers + wanted_slots
    run.may_fail.add("slot_died")
    load = run.load(
        kind="resumed", threads=4, most_open=_OPEN, most=most, parameters={"steps": _STEPS, "step_ms": 100}
    )
    workers, slots = _kill_until_all_have_ended(run, most)
    load.stop()
    for name, count, wanted in (("workers", workers, wanted_workers), ("slots", slots, wanted_slots)):
        if count < wanted:
            detail = f"{count} {name} were killed, not {wanted}"
            run.violations.append(Violation(Harm.STUCK, "not_injected", run.name, detail))
    steps = _steps(run)
    run.violations += [*resumed.check(steps), *_artefacts(run)]
    again = len(resumed.ran_again(steps))
    run.notes.append(
        f"{workers} workers and {slots} slots killed; {len(steps.committed)} steps committed,"
        f" {len(steps.reused)} reused, {again} of the committed ran again;"
        f" {len(steps.ran) - len(steps.committed)} were cut off and ran again"
    )


def _kill_until_all_have_ended(run: Run, most: int) -> tuple[int, int]:
    """How many workers and slots."""
    workers = slots = 0
    patience = Patience(run.scale.ends_within)
    next_worker = time.monotonic() + run.random.uniform(*_WORKER_EVERY)
    while not run.wait_until(lambda: run.ended() >= most, run.random.uniform(*_SLOT_EVERY)):
        if patience.ends_at(run.ended()):
            break  # the judge will say what is stuck
        if _kill_slot(run):
            slots += 1
            run.inject()
        # Until the worker is there again, nothing else is killed.
        if time.monotonic() >= next_worker and kill_one(run):
            workers += 1
            run.inject()
            next_worker = time.monotonic() + run.random.uniform(*_WORKER_EVERY)
    return workers, slots


def _kill_slot(run: Run) -> bool:
    """Of any worker that has a report; whether there was one. The worker goes on."""
    for name in run.random.sample(run.rig.workers, len(run.rig.workers)):
        worker = run.rig.stack.pid(name)
        slots = [slot for template in children(str(worker)) for slot in children(str(template))]
        if slots and run.strike(name):
            now = recording.now()
            with suppress(ProcessLookupError):
                os.kill(run.random.choice(slots), signal.SIGKILL)
                run.lose_spans("slot killed", now - 1, now + 1, worker=worker)
                return True
    return False


def _steps(run: Run) -> resumed.Steps:
    """As the log of the jobs and the events tell."""
    rows = run.rig.rows(_COMMITTED_AND_REUSED, run.name)
    ids = {row["report_id"] for row in rows}
    lines = [line.split() for line in run.rig.steps_log.read_text().splitlines()]
    ran = [resumed.StepOf(report_id, name, int(attempt)) for report_id, name, attempt in lines]
    done = [(resumed.StepOf(row["report_id"], row["name"], row["attempt"]), row) for row in rows]
    return resumed.Steps(
        ran=[one for one in ran if one.report_id in ids],
        committed=[one for one, row in done if not row["reused"]],
        reused={one: row["made_in"] for one, row in done if row["reused"]},
    )


def _artefacts(run: Run) -> list[Violation]:
    """Those that are not as those of undisturbed reports."""
    found = []
    for row in recording.records(run.rig, run.name).rows:
        if row.artefact is None:
            continue  # the checker says it
        content = (run.rig.disk.folder / row.artefact.key).read_bytes()
        if content != resumed.undisturbed(row.request, _STEPS):
            detail = f"its artefact is another after {row.attempt} attempts"
            found.append(Violation(Harm.DISORDER, "wrong_artefact", row.report_id, detail))
    return found

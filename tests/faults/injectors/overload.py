"""More is requested than the workers can do."""

import time

from tests.faults.run import Run

_FACTOR = 1.5
_LEAD = 2
"""Reports for each worker, before the first has ended: so that all are busy from the beginning."""
_BACKLOG = """
SELECT count(*) FROM reports WHERE parameters->>'fault' = %s
    AND finished_at > (SELECT max(created_at) FROM reports WHERE parameters->>'fault' = %s)
"""
"""Of reports that have all ended: how many had not when the last was accepted."""


def sustained(run: Run) -> None:
    """For each report that the workers end, one and a half are requested, however fast they are; so a backlog
    grows to a third of all. What is injected is the backlog as the last was accepted; the recovery is the
    time until it is gone."""
    reports = run.scale.overload_reports
    lead = _LEAD * len(run.rig.workers)
    run.wanted = round(reports * (1 - 1 / _FACTOR))
    load = run.load(
        most_open=lambda: lead + (_FACTOR - 1) * run.ended(),
        threads=8,
        most=reports,
        parameters={"steps": 2, "step_ms": 100},
    )
    began = time.monotonic()
    run.finish(load)
    overloaded = time.monotonic() - began
    run.expect_count(run.ended, run.accepted(), "the backlog is not worked off")
    run.recoveries.append(time.monotonic() - began - overloaded)
    backlog = run.rig.rows(_BACKLOG, run.name, run.name)[0]["count"]
    run.inject(backlog)
    run.notes.append(
        f"for {overloaded:.0f} s {run.accepted() / overloaded:.1f} reports/s were accepted,"
        f" {(run.accepted() - backlog) / overloaded:.1f} ended"
    )

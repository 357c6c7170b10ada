"""Reports whose job kills its worker."""

from collections.abc import Iterator

from local.errors import PartFailedError
from tests.faults import recording
from tests.faults.checker import Harm, Violation
from tests.faults.patience import Patience
from tests.faults.rig import API
from tests.faults.run import Run

_SLOTS = 3
_MAX_LOSSES = 3
"""The third loss is the first for which a report must run alone."""
_SHARED_LOSSES = 2

SETTINGS = {"WAYBILL_SLOTS": str(_SLOTS), "WAYBILL_MAX_LOST_WORKERS": str(_MAX_LOSSES)}
"""Of every service: others run beside a killer, and it is given up after its third worker."""

_EXPORT_SECONDS = 2.0
"""Before a death is noticed; what a worker had not sent out by then is lost."""
_EVERY_SECONDS = 0.2
_KILLERS = """
SELECT count(*) FROM effects e JOIN reports r ON r.id = e.report_id
WHERE r.parameters->>'fault' = %s AND r.parameters->>'mode' = 'kill_worker' AND e.worker = %s
"""
_LOST_BY_OTHERS = """
SELECT coalesce(sum(losses), 0)::int AS lost, coalesce(max(losses), 0) AS most FROM reports
WHERE parameters->>'fault' = %s AND parameters->>'mode' = 'ok'
"""


def kill_their_workers(run: Run) -> None:
    """Among reports that do no harm, some whose job kills its worker (SIGKILL), whenever it is tried."""
    services = (API, *run.rig.workers)
    run.rig.reconfigure(*services, **SETTINGS)
    let_them_kill(run)
    run.rig.reconfigure(*services)


def let_them_kill(run: Run) -> None:
    """The same with services that have the settings."""
    killers = run.scale.killers
    run.wanted = _SHARED_LOSSES + killers  # those that share a worker may share its death too
    others = run.load(
        most_open=2 * _SLOTS * len(run.rig.workers),
        threads=4,
        parameters={"steps": 2, "step_ms": 400, "mode": "ok"},
    )
    run.expect_count(run.accepted, _SLOTS * len(run.rig.workers), "nothing is accepted")
    load = run.load(
        most_open=10_000,
        threads=1,
        most=killers,
        parameters={"steps": 1, "step_ms": 500, "mode": "kill_worker", "failures": 100},
        expected="fail",
        given_up=True,
    )
    run.failing[load.name] = ("lost",)
    run.finish(load)
    patience = Patience(run.scale.ends_within)
    ids = [accepted.report_id for accepted in load.accepted]
    while (ended := _ended(run, ids)) < killers and not patience.ends_at(run.injected + ended):
        for name in _dead(run):
            _bury(run, name)
    others.stop()
    run.expect(lambda: others.has_stopped, run.scale.ends_within, "a request has no answer")
    run.expect_count(run.ended, run.accepted(), "not every report ends")
    lost = run.rig.rows(_LOST_BY_OTHERS, run.name)[0]
    run.notes.append(f"cost others {lost['lost']} attempts, none more than {lost['most']}")


def _ended(run: Run, ids: list[str]) -> int:
    statement = "SELECT count(*) FROM reports WHERE id = ANY (%s::uuid[]) AND finished_at IS NOT NULL"
    return int(run.rig.rows(statement, ids)[0]["count"])


def _dead(run: Run) -> Iterator[str]:
    """The workers that have ended, after a moment in which they may."""
    run.wait(_EVERY_SECONDS)
    for name in run.rig.workers:
        if run.rig.has_ended(name):
            yield name


def _bury(run: Run, name: str) -> None:
    """Notes what was running there, and starts the worker again as whoever runs it would; it may be killed
    again before it is ready. A worker that was killed by no job is a breach."""
    now, pid = recording.now(), run.rig.stack.pid(name)
    run.strike(name)
    run.lose_spans("worker killed", now - _EXPORT_SECONDS, now, worker=pid)
    if run.rig.rows(_KILLERS, run.name, pid)[0]["count"]:
        run.inject()
    else:
        run.violations.append(Violation(Harm.STUCK, "process_died", name, "no job has killed it"))
    try:
        run.rig.stack.start_part(name)
    except PartFailedError:
        if not run.rig.has_ended(name):
            raise

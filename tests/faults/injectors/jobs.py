"""Jobs that fail in every way in which a job can."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.faults import recording
from tests.faults.history import Row, failures
from tests.faults.run import Run

_TIMEOUT_SECONDS = 4
"""Of attempts that hang; the others end within it on a slow machine too."""
_MOST_ATTEMPTS = 5
"""The kind's."""


def fail(run: Run) -> None:
    """First attempts end with an error, a segmentation fault or a time-out, and the second ones well. Where
    the error is for good, there is no second one; where it comes each time, the report is given up."""
    each = run.scale.job_failures

    def ask(mode: str, failing: Sequence[str], failures: int = 1, **options: Any) -> None:
        parameters = {"steps": 1, "step_ms": 20, "mode": mode, "failures": failures}
        load = run.load(threads=1, most=each, most_open=100, parameters=parameters, **options)
        run.failing[load.name] = tuple(failing)

    ask("retryable", ["error"])
    ask("crash", ["slot_died"])
    ask("hang", ["timed_out"], fields={"timeout_seconds": _TIMEOUT_SECONDS})
    ask("permanent", ["permanent"], failures=100, expected="fail")
    ask("retryable", ["error"] * _MOST_ATTEMPTS, failures=100, expected="fail", given_up=True)
    run.wanted = each * len(run.loads)
    for load in run.loads:
        run.finish(load)
    run.wait_for_count(run.ended, run.accepted())
    records = recording.records(run.rig, run.name)
    failed, lost = count(run.failing_reports(), failures(records.events), records.rows)
    run.wanted -= lost
    run.inject(failed)


def count(
    failing: Mapping[str, Sequence[str]], failed: Mapping[str, Sequence[str]], rows: Sequence[Row]
) -> tuple[int, int]:
    """How many reports failed as they were told to; and how many did not, since a worker was lost with the
    attempt that was to fail: nothing of theirs is proved."""
    as_told = {one for one, told in failing.items() if tuple(failed.get(one, ())) == tuple(told)}
    lost = {row.report_id for row in rows if row.losses} & failing.keys() - as_told
    return len(as_told), len(lost)

"""Jobs that fail in every way in which a job can."""

from functools import partial
from typing import Any

from tests.faults.run import Run


def fail(run: Run) -> None:
    """First attempts end with an error, a segmentation fault or a time-out, and the second ones well. Where
    the error is for good, there is no second one; where it comes each time, the report is given up."""
    each = run.scale.job_failures

    def ask(mode: str, failures: int = 1, **options: Any) -> None:
        parameters = {"steps": 1, "step_ms": 20, "mode": mode, "failures": failures}
        run.load(threads=1, most=each, most_open=100, parameters=parameters, **options)

    ask("retryable")
    ask("crash")
    ask("hang", fields={"timeout_seconds": 2})
    ask("permanent", expected="fail")
    ask("retryable", failures=100, expected="fail", given_up=True)
    run.wanted = each * len(run.loads)
    for load in run.loads:
        run.wait_for_count(partial(len, load.accepted), each)
        run.inject(len(load.accepted))

"""The collector is down, hangs, or refuses: the work must not notice."""

from collections.abc import Callable

from tests.faults import recording
from tests.faults.run import Run

_SECONDS = 3.0
_BEFORE_SECONDS, _AFTER_SECONDS = 10.0, 5.0
"""Of spans that a process still tries to send when the outage begins; and when it ends, where a try that
began before lasts for 3 s at most."""
_JOB = {"steps": 2, "step_ms": 50}
_WHOLE_AGAIN = 10


def down(run: Run) -> None:
    """Its process is gone."""
    stack = run.rig.stack
    _outages(run, lambda: stack.stop_part("collector"), lambda: stack.start_part("collector"))


def hanging(run: Run) -> None:
    """It accepts, and answers nothing."""
    proxy = run.rig.proxies.collector
    _outages(run, proxy.half_open, proxy.pass_on, lambda: proxy.swallowed)


def refusing(run: Run) -> None:
    """It resets every connection."""
    proxy = run.rig.proxies.collector

    def refuse() -> None:
        proxy.refuse()
        proxy.cut()

    _outages(run, refuse, proxy.pass_on, lambda: proxy.refused)


def _outages(
    run: Run,
    begin: Callable[[], object],
    end: Callable[[], object],
    struck: Callable[[], int] | None = None,
) -> None:
    """`struck` counts whom it has struck; where nobody can be asked, its beginning is enough. What is
    requested when all is over must have whole traces again."""
    run.wanted = run.scale.outages
    load = run.load(threads=2, pause=0.1, parameters=_JOB)
    for _ in range(run.scale.outages):
        run.wait(1)
        began = recording.now()
        if struck is None:
            begin()
        else:
            run.expect_growth(struck, begin, "nobody has asked the collector")
        run.inject()
        run.recover(recording.now(), run.scale.ends_within)  # during the outage: nothing waits for its end
        run.wait(_SECONDS)
        end()
        run.lose_spans("collector away", began - _BEFORE_SECONDS, recording.now() + _AFTER_SECONDS)
    load.stop()
    run.wait(_AFTER_SECONDS + 0.5)
    again = run.load(threads=1, pause=0.1, most=_WHOLE_AGAIN, parameters=_JOB)
    run.finish(again)
    run.traced_first |= {accepted.report_id for accepted in again.accepted}

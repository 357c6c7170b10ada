"""The collector is down, hangs, or refuses: the work must not notice."""

from collections.abc import Callable

from tests.faults import recording
from tests.faults.run import Run

_SECONDS = 3.0
_EXPORT_SECONDS = 10.0
"""Of spans that a process still tries to send when the outage begins, or when it ends."""


def down(run: Run) -> None:
    """Its process is gone."""
    stack = run.rig.stack
    _outages(run, lambda: stack.stop_part("collector"), lambda: stack.start_part("collector"))


def hanging(run: Run) -> None:
    """It accepts, and answers nothing."""
    _outages(run, run.rig.proxies.collector.half_open, run.rig.proxies.collector.pass_on)


def refusing(run: Run) -> None:
    """It resets every connection."""

    def refuse() -> None:
        run.rig.proxies.collector.refuse()
        run.rig.proxies.collector.cut()

    _outages(run, refuse, run.rig.proxies.collector.pass_on)


def _outages(run: Run, begin: Callable[[], object], end: Callable[[], object]) -> None:
    run.wanted = run.scale.outages
    run.load(threads=2, pause=0.1, parameters={"steps": 2, "step_ms": 50})
    for _ in range(run.scale.outages):
        run.wait(1)
        began = recording.now()
        begin()
        run.inject()
        run.recover(recording.now(), run.scale.ends_within)  # during the outage: nothing waits for its end
        run.wait(_SECONDS)
        end()
        run.lose_spans("collector away", began - _EXPORT_SECONDS, recording.now() + _EXPORT_SECONDS)

"""Runs faults one after the other on one rig."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.faults.checker import Harm, Violation
from tests.faults.console import Live
from tests.faults.injectors import Fault
from tests.faults.rig import LEASE_SECONDS, Rig
from tests.faults.run import Outcome, Run
from tests.faults.scale import Scale

WORKERS, WORKERS_BEHIND_PROXIES = 4, 2


class Harness:
    """Holds the rig, and changes it to what the next fault needs."""

    def __init__(self, rig: Rig, scale: Scale, seed: int, live: Live) -> None:
        self._rig = rig
        self._scale = scale
        self._seed = seed
        self._live = live
        self._proxied = False

    def run(self, faults: Sequence[Fault], done: Callable[[Outcome], None]) -> None:
        """Each fault's outcome goes to `done` as soon as it is there."""
        for fault in faults:
            if fault.proxied and not self._proxied:
                self._go_behind_proxies()
            done(self._run(fault))

    def _run(self, fault: Fault) -> Outcome:
        self._live.begin(fault.name)
        run = Run(
            name=fault.name,
            rig=self._rig,
            scale=self._scale,
            random=Random(f"{self._seed} {fault.name}"),
            say=self._live.say,
        )
        began = time.monotonic()
        try:
            fault.inject(run)
        except Exception as error:  # the other faults can still be run
            self._live.console.print_exception()
            run.violations.append(Violation(Harm.STUCK, "not_injected", fault.name, repr(error)))
        finally:
            run.close()
        outcome = replace(run.judge(), seconds=time.monotonic() - began)
        self._live.end(summary(outcome))
        return outcome

    def _go_behind_proxies(self) -> None:
        self._live.begin("proxies")
        self._rig.scale_workers(WORKERS_BEHIND_PROXIES)
        self._rig.reconfigure(proxied=True)
        self._proxied = True
        self._live.end(f"{WORKERS_BEHIND_PROXIES} workers and the API reach their parts through proxies now")


def workers_for(faults: Sequence[Fault]) -> int:
    """How many the first of them needs."""
    return WORKERS if any(not fault.proxied for fault in faults) else WORKERS_BEHIND_PROXIES


def start_rig(directory: Path, live: Live, workers: int) -> Rig:
    """The stack with so many workers."""
    live.begin("stack")
    rig = Rig(directory).start(workers, live.say)
    live.end(f"started with {workers} workers, lease {LEASE_SECONDS:g} s")
    return rig


def summary(outcome: Outcome) -> str:
    """One line."""
    harms = ", ".join(f"{outcome.count(harm)} {harm}" for harm in Harm)
    recovery = ""
    if outcome.recoveries:
        recovery = f"; recovery p50 {outcome.recovery_p50} s, max {outcome.recovery_max} s"
    notes = "".join(f"; {note}" for note in outcome.notes)
    return (
        f"{outcome.injected} injected, {outcome.reports} reports: {harms}{recovery}{notes}"
        f"; took {outcome.seconds:.0f} s"
    )

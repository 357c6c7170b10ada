"""Runs faults: in each lane one after the other on a rig of its own, the lanes side by side."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from random import Random
from typing import TypeVar

from tests.faults.checker import Harm, Violation
from tests.faults.console import Live
from tests.faults.injectors import Fault, Lane
from tests.faults.rig import LEASE_SECONDS, Rig
from tests.faults.run import Outcome, Run
from tests.faults.scale import Scale

Item = TypeVar("Item")
Done = Callable[[Outcome], None]


class Harness:
    """What the lanes share."""

    def __init__(self, directory: Path, scale: Scale, seed: int, live: Live) -> None:
        self._directory = directory
        self._scale = scale
        self._seed = seed
        self._live = live

    def run(self, lanes: Sequence[Lane], done: Done) -> None:
        """Each fault's outcome goes to `done` as soon as it is there."""
        side_by_side(lambda lane: self._run_lane(lane, done), lanes, self._live)

    def _run_lane(self, lane: Lane, done: Done) -> None:
        try:
            rig = start_rig(self._directory / lane.name, self._live, lane)
        except Exception as error:  # the other lane can still be run
            self._live.console.print_exception()
            for fault in lane.faults:
                done(without_rig(fault, error))
            return
        try:
            for fault in lane.faults:
                done(self._run(fault, rig))
        finally:
            rig.stop()

    def _run(self, fault: Fault, rig: Rig) -> Outcome:
        line = self._live.begin(fault.name)
        random = Random(f"{self._seed} {fault.name}")
        run = Run(name=fault.name, rig=rig, scale=self._scale, random=random, say=line.say)
        try:
            outcome = prove(fault, run, self._live.console.print_exception)
        finally:
            for load in run.loads:
                load.close()
        line.end(summary(outcome))
        return outcome


def side_by_side(act: Callable[[Item], object], items: Sequence[Item], live: Live) -> None:
    """Each in a thread of its own. If one fails, or is interrupted, the others end too."""
    with ThreadPoolExecutor(len(items)) as pool:
        running = [pool.submit(act, item) for item in items]
        try:
            for one in as_completed(running):
                one.result()
        except BaseException:  # as Ctrl-C
            live.stop()
            raise


def prove(fault: Fault, run: Run, tell_error: Callable[[], None]) -> Outcome:
    """Whatever goes wrong with one fault is in its outcome: the others can still be run."""

    def failed(name: str, error: Exception) -> None:
        tell_error()
        run.violations.append(Violation(Harm.STUCK, name, fault.name, repr(error)))

    def heal(*, judged: bool = False) -> None:
        try:
            if judged:
                run.rig.end_reports()
            run.rig.heal()
        except Exception as error:
            failed("not_healed", error)

    try:
        fault.inject(run)
    except Exception as error:
        failed("not_injected", error)
        heal()
    try:
        run.close()
        outcome = run.judge()
    except Exception as error:
        failed("not_judged", error)
        heal(judged=True)
        return run.outcome()
    if any(violation.harm is Harm.STUCK for violation in outcome.violations):
        heal(judged=True)
    return outcome


def without_rig(fault: Fault, error: Exception) -> Outcome:
    """Of a fault whose stack did not start."""
    violation = Violation(Harm.STUCK, "not_judged", fault.name, f"there is no stack: {error!r}")
    return Outcome(fault.name, 0, 0, 0, (violation,), (), 0.0)


def start_rig(directory: Path, live: Live, lane: Lane) -> Rig:
    """The stack as the lane's faults need it."""
    line = live.begin(f"stack for {lane.name}")
    rig = Rig(directory, proxied=lane.proxied).start(lane.workers, line.say)
    through = ", behind proxies" if lane.proxied else ""
    line.end(f"started with {lane.workers} workers{through}, lease {LEASE_SECONDS:g} s")
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

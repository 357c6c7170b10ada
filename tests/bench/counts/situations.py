"""The situations in which one report is counted: alone and under load, with one step and with eleven."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.bench import artefacts, clients, processes
from tests.bench.counts import bounds, database, reference
from tests.bench.counts.reading import Counts, Reading, Window, each_further, idle_rates, per_report, take
from tests.bench.errors import CannotMeasure
from tests.bench.rig import API, SLOTS, WORKER, Options, Rig, Say, started
from tests.bench.scale import Scale

FURTHER = 10
"""How many more steps the reports have from which a further step's cost is taken."""
_WARM = 6
_PATIENCE_SECONDS = 60.0
_END_SECONDS = 0.4
"""From a job's file to the last change of its report, and then some."""
_AT_ONCE = 8
_REFERENCES = 6
"""Readings of what the machine itself needs, before the counts and after them."""
_STARTING_SECONDS = 60
_ENDS = "SELECT count(*) FILTER (WHERE status = 'done'), max(attempt) FROM reports"
_RESTING_SECONDS = 0.002
"""Processor time in a second of a process that has nothing to do but to look at its clocks."""


def measure(directory: Path, scale: Scale, say: Say) -> Counts:
    """All counts, by the names that `bounds` has."""
    fewer_alone, fewer_loaded = max(3, scale.alone // 3), max(8, scale.loaded // 5)
    many = 1 + FURTHER
    with started(directory, say, Options.make(counted=True)) as rig:
        counter = _Counter(rig, say)
        slot_start = _slot_start_ms(rig)
        say("measuring the machine")
        reference_ms = reference.take_ms(_REFERENCES)
        say("warming up")
        for _ in range(_WARM):
            counter.alone(1, 1)
        idle = counter.idle()
        found = {
            "alone": counter.count(scale.alone, 1, idle, counter.alone),
            "alone_11_steps": counter.count(fewer_alone, many, idle, counter.alone),
            "load": counter.count(scale.loaded, 1, idle, counter.at_once),
            "load_11_steps": counter.count(fewer_loaded, many, idle, counter.at_once),
        }
        found["step_alone"] = each_further(found["alone"], found["alone_11_steps"], FURTHER)
        found["step_load"] = each_further(found["load"], found["load_11_steps"], FURTHER)
        named = {
            f"{name}_{situation}": value
            for situation, counted in {**found, "idle_second": idle}.items()
            for name, value in counted.items()
        }
        reference_ms += reference.take_ms(_REFERENCES)
        return {
            **named,
            **_memory(rig, say),
            "slot_start_cpu_ms": slot_start,
            bounds.REFERENCE: median(reference_ms),
        }


class _Counter:
    """Requests reports and reads the counts before and after."""

    def __init__(self, rig: Rig, say: Say) -> None:
        self._rig = rig
        self._say = say
        self._requested = 0

    def alone(self, number: int, steps: int) -> None:
        """One after the other."""
        for _ in range(number):
            self._request(1, steps)
            time.sleep(_END_SECONDS)

    def at_once(self, number: int, steps: int) -> None:
        """As fast as a few clients request them."""
        self._request(number, steps)
        time.sleep(2 * _END_SECONDS)

    def _request(self, number: int, steps: int) -> None:
        body = {"kind": "noop", "parameters": {"steps": steps}}
        clients.request(self._rig.api_url, body, number, min(number, _AT_ONCE))
        self._requested += number
        artefacts.wait_for(self._rig.artefacts, self._requested, _PATIENCE_SECONDS)

    def idle(self) -> Counts:
        """What a second costs in which nothing is requested."""
        self._say("counting what goes on while nothing is requested")
        time.sleep(database.SETTLE_SECONDS)
        began = take(self._rig)
        time.sleep(database.SETTLE_SECONDS)
        ended = take(self._rig)
        return idle_rates(Window(began, ended, ended))

    def count(self, number: int, steps: int, idle: Counts, act: Callable[[int, int], None]) -> Counts:
        """What each of `number` reports with this number of steps costs."""
        self._say(f"counting {number} reports {act.__name__.replace('_', ' ')}, steps: {steps}")
        began = take(self._rig)
        act(number, steps)
        ended = take(self._rig)
        settled = self._settled()
        self._check_ends()
        return per_report(Window(began, ended, settled), idle, number)

    def _settled(self) -> Reading:
        time.sleep(database.SETTLE_SECONDS)
        return take(self._rig)

    def _check_ends(self) -> None:
        """Every report must have ended well, or it was not one report's cost that was counted."""
        ((done, most),) = self._rig.rows(_ENDS)
        if done != self._requested or most != 1:
            raise CannotMeasure(f"{done} of {self._requested} reports are done, with {most} attempts at most")


def _slots(rig: Rig) -> list[int]:
    """Process ids: the children of the worker's child, the template."""
    running = processes.running()
    worker, *others = processes.below(rig.stack.pid(WORKER), running)
    return [one.pid for one in others if one.parent != worker.pid]


def _slot_start_ms(rig: Rig) -> float:
    """Processor time of a slot that has not had a job yet, once it has come to rest."""
    before = dict[int, float]()
    for _ in range(_STARTING_SECONDS):
        used = {pid: processes.scheduled_seconds(pid) for pid in _slots(rig)}
        growth = [seconds - before.get(pid, 0) for pid, seconds in used.items()]
        if len(used) == SLOTS and max(growth) < _RESTING_SECONDS:
            return 1000 * median(used.values())
        before = used
        time.sleep(1)
    raise CannotMeasure(
        f"{len(before)} slots were found, not {SLOTS} at rest: are slots other processes now?"
    )


def _memory(rig: Rig, say: Say) -> Counts:
    """Of the API's processes together, of the worker with its slots, and of one slot. Both services hide
    themselves from others of their user: only root reads it."""
    try:
        return _read_memory(rig)
    except PermissionError:
        say("memory is not counted: only root can read it")
        return {}


def _read_memory(rig: Rig) -> Counts:
    running = processes.running()

    def memory(name: str) -> processes.Memory:
        below = processes.below(rig.stack.pid(name), running)
        return sum((processes.memory(one.pid) for one in below), processes.Memory(0, 0))

    found = {"api": memory(API), "worker": memory(WORKER)}
    slots = [processes.memory(pid) for pid in _slots(rig)]
    sizes = {f"{part}_private_mib": memory.private for part, memory in found.items()}
    sizes |= {f"{part}_pss_mib": memory.proportional for part, memory in found.items()}
    return {**sizes, "slot_private_mib": median(one.private for one in slots)}

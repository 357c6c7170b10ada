"""What a report costs while many others wait, beside few."""

from functools import partial
from statistics import median

from tests.bench import artefacts, backlog
from tests.bench.counts import reading
from tests.bench.ratios import draining
from tests.bench.results import Ratio
from tests.bench.rig import WORKER, Options, Rig, started
from tests.bench.rounds import Bench, Round

_MANY, _FEW = "many waiting", "few waiting"
_FEWEST, _TIMES = 1000, 100
_WARM, _COUNTED = 40, 200
_KIB = 1024


class _Waiting:
    """Drains a part of a backlog, on a new stack each time: what is left of it would be in the way."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._stacks = 0
        self.kafka_kib: dict[str, list[float]] = {_MANY: [], _FEW: []}

    def cpu_ms(self, name: str, number: int) -> float:
        """Of all processes, for each report."""
        self._stacks += 1
        directory = self._bench.directory / f"stack-{self._stacks}"
        with started(directory, lambda _text: None, Options.make(counted=True)) as rig:
            backlog.stop(rig, WORKER)
            # A million events would take most of the run, and no worker reads them.
            backlog.fill(rig, draining.NOOP, number, messages=False)
            rig.start_worker(WORKER, {})
            began, first = _after(rig, _WARM)
            ended, last = _after(rig, first + _COUNTED)
        growth = {name: (ended.counts[name] - began.counts[name]) / (last - first) for name in began.counts}
        self.kafka_kib[name].append(growth["kafka_bytes"] / _KIB)
        return growth["cpu_ms"]


def _after(rig: Rig, number: int) -> tuple[reading.Reading, int]:
    """The counts when at least this number of reports has run, and how many they are."""
    artefacts.wait_for(rig.artefacts, number, draining.PATIENCE_SECONDS)
    return reading.take(rig), artefacts.count(rig.artefacts)


def measure(bench: Bench) -> list[Ratio]:
    many = bench.scale.waiting
    few = max(_FEWEST, many // _TIMES)
    waiting = _Waiting(bench)
    sides = {name: partial(waiting.cpu_ms, name, number) for name, number in ((_MANY, many), (_FEW, few))}
    rounds = bench.interleave(sides)
    named = {_MANY: f"{many:,} waiting", _FEW: f"{few:,} waiting"}
    renamed = [Round({named[side]: value for side, value in one.values.items()}, one.loads) for one in rounds]
    kib = {named[side]: median(values) for side, values in waiting.kafka_kib.items()}
    return [
        bench.ratio("waiting_cpu", renamed, named[_MANY], named[_FEW], "ms"),
        bench.figure("waiting_kafka_kib", waiting.kafka_kib[_MANY], kib, "KiB"),
    ]

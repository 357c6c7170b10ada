"""More workers with more slots."""

from functools import partial

from tests.bench.ratios import draining
from tests.bench.results import Ratio
from tests.bench.rig import Options, started
from tests.bench.rounds import Bench

_SETS = {"1 x 2": (1, 2), "2 x 2": (2, 2), "4 x 4": (4, 4)}
"""Workers, and slots of each."""


def measure(bench: Bench) -> list[Ratio]:
    first, *others = _SETS
    with started(bench.directory / "stack", bench.say, Options.make()) as rig:
        sides = {
            name: partial(
                draining.rate, rig, bench.scale.drained, {"WAYBILL_SLOTS": str(slots)}, more=workers - 1
            )
            for name, (workers, slots) in _SETS.items()
        }
        rounds = bench.interleave(sides)
    return [
        bench.ratio(f"workers_{name.replace(' ', '')}", rounds, name, first, "reports/s") for name in others
    ]

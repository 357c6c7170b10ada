"""What tracing costs: the same backlog drained with OpenTelemetry, and without."""

from functools import partial

from tests.bench.ratios import draining
from tests.bench.results import Ratio
from tests.bench.rig import Options, started
from tests.bench.rounds import Bench

_SWITCH = "OTEL_SDK_DISABLED"
_ON, _OFF = "traced", "untraced"


def measure(bench: Bench) -> list[Ratio]:
    with started(bench.directory / "stack", bench.say, Options.make()) as rig:
        sides = {
            name: partial(draining.rate, rig, bench.scale.drained, {_SWITCH: disabled})
            for name, disabled in ((_ON, "false"), (_OFF, "true"))
        }
        rounds = bench.interleave(sides)
    return [bench.ratio("tracing", rounds, _ON, _OFF, "reports/s")]

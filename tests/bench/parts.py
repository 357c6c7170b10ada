"""The parts of the benchmark, by the names that `BENCH_ONLY` takes."""

import compileall
import sysconfig
from collections.abc import Callable, Mapping

from local.paths import CHECKOUT
from tests.bench.counts import situations
from tests.bench.ratios import accept, drain, fair, fibo, pages, start, streams, tracing, waiting, workers
from tests.bench.results import Counted, Ratio, Results
from tests.bench.rounds import Bench

Part = Callable[[Bench], Results]


def _compile_modules() -> None:
    """As in an image. At the first start in a new checkout a template, which imports all, would compile them,
    and keep 18 MiB for it."""
    for folder in (CHECKOUT / "services", sysconfig.get_path("purelib")):
        compileall.compile_dir(folder, quiet=2, workers=0)


def counts(bench: Bench) -> Results:
    bench.say("compiling modules")
    _compile_modules()
    bench.note_load()
    found = situations.measure(bench.directory, bench.scale, bench.say)
    return Results(counted=Counted(found, bench.circumstances()))


def _ratios(measure: Callable[[Bench], list[Ratio]]) -> Part:
    def part(bench: Bench) -> Results:
        found = Results()
        found.add(measure(bench))
        return found

    return part


COUNTS = "counts"
PARTS: Mapping[str, Part] = {
    COUNTS: counts,
    "drain": _ratios(drain.measure),
    "fair": _ratios(fair.measure),
    "accept": _ratios(accept.measure),
    "start": _ratios(start.measure),
    "tracing": _ratios(tracing.measure),
    "waiting": _ratios(waiting.measure),
    "streams": _ratios(streams.measure),
    "fibo": _ratios(fibo.measure),
    "workers": _ratios(workers.measure),
    "pages": _ratios(pages.measure),
}

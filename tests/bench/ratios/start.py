"""From the call to the first step, while nothing else is to be done: both called through a traced route."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from tests.bench import artefacts, clients
from tests.bench.peers.catalog import PEERS
from tests.bench.peers.running import FlaskRoutes, beside
from tests.bench.ratios.draining import NOOP, WAYBILL
from tests.bench.results import Ratio
from tests.bench.rig import Options, started
from tests.bench.rounds import Bench, Round

_WARM = 5
_PATIENCE_SECONDS = 30.0
_BETWEEN_SECONDS = (0.2, 0.5)
"""Between two calls, so that what follows the end of a job is over."""
_TITLE = PEERS["procrastinate"].title

Call = Callable[[], dict[str, Any]]


class _Side:
    """One system that is called."""

    def __init__(self, client: clients.Client, path: str, body: Mapping[str, object], files: Path) -> None:
        self._call: Call = lambda: client.post(path, body)
        self._files = files
        self._called = dict[str, float]()

    def call(self) -> None:
        """And waits until the job has run."""
        at = time.time()
        self._called[self._call()["id"]] = at
        artefacts.wait_for(self._files, len(self._called), _PATIENCE_SECONDS)

    def milliseconds(self, last: int) -> float:
        """The median of the last calls, from the call until the job began."""
        began = {work.subject: work.began for work in artefacts.read_all(self._files)}
        recent = list(self._called.items())[-last:]
        return 1000 * median(began[subject] - at for subject, at in recent)


def measure(bench: Bench) -> list[Ratio]:
    with (
        started(bench.directory / "stack", bench.say, Options.make()) as rig,
        beside(rig, bench.directory / "peers", redis=False) as others,
        FlaskRoutes(others, rig.stack.ports["flask"]).serving() as url,
        others.working(PEERS["procrastinate"]),
    ):
        sides = {
            WAYBILL: _Side(clients.Client(rig.api_url), clients.REPORTS, NOOP, rig.artefacts),
            _TITLE: _Side(clients.Client(url), "/defer", {}, others.files),
        }
        _take_turns(sides, _WARM, bench.random)
        rounds = [_round(bench, number, sides) for number in range(1, bench.scale.rounds + 1)]
    return [bench.ratio("first_step_procrastinate", rounds, WAYBILL, _TITLE, "ms")]


def _round(bench: Bench, number: int, sides: Mapping[str, _Side]) -> Round:
    load = bench.note_load()
    bench.say(f"round {number} of {bench.scale.rounds}, load {load:.1f}")
    _take_turns(sides, bench.scale.starts, bench.random)
    values = {name: side.milliseconds(bench.scale.starts) for name, side in sides.items()}
    bench.tell(f"  round {number}: " + ", ".join(f"{name} {value:.1f} ms" for name, value in values.items()))
    return Round(values, (load,))


def _take_turns(sides: Mapping[str, _Side], times: int, random: Random) -> None:
    """Call by call: what disturbs one of two calls a moment apart is there for the other too."""
    for _ in range(times):
        for name in random.sample(list(sides), len(sides)):
            sides[name].call()
            time.sleep(random.uniform(*_BETWEEN_SECONDS))

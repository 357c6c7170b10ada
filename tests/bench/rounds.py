"""Rounds: what is compared is measured in turns, so that whatever else the machine does meets all of it."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

from tests.bench import processes
from tests.bench.results import Circumstances, Ratio
from tests.bench.rig import Say
from tests.bench.scale import Scale

Measure = Callable[[], float]


@dataclass(frozen=True)
class Round:
    """What each side came to, and the load average before each."""

    values: Mapping[str, float]
    loads: tuple[float, ...]


@dataclass
class Bench:
    """What a part of the benchmark works with."""

    part: str
    directory: Path
    scale: Scale
    random: Random
    peers: Sequence[str] = ()
    say: Say = lambda _text: None
    """Tells what goes on; called often."""
    tell: Say = lambda _text: None
    """Says something that stays."""
    _loads: list[float] = field(default_factory=list)

    @property
    def command(self) -> str:
        """That measures this part again."""
        return f"make bench BENCH={self.scale.name} BENCH_ONLY={self.part}"

    def note_load(self) -> float:
        load = processes.load_average()
        self._loads.append(load)
        return load

    def circumstances(self) -> Circumstances:
        self.note_load()
        return Circumstances(
            command=self.command,
            scale=self.scale.name,
            at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            cores=os.cpu_count() or 1,
            load=(round(min(self._loads), 1), round(max(self._loads), 1)),
        )

    def interleave(self, sides: Mapping[str, Measure]) -> list[Round]:
        """Measures every side once in each round, in an order of chance."""
        return [self._round(number, sides) for number in range(1, self.scale.rounds + 1)]

    def _round(self, number: int, sides: Mapping[str, Measure]) -> Round:
        order = self.random.sample(list(sides), len(sides))
        values, loads = dict[str, float](), list[float]()
        for name in order:
            loads.append(self.note_load())
            self.say(f"round {number} of {self.scale.rounds}: {name}, load {loads[-1]:.1f}")
            began = time.monotonic()
            values[name] = sides[name]()
            seconds = time.monotonic() - began
            self.tell(
                f"  round {number}: {name} {values[name]:.4g}, load {loads[-1]:.1f}, took {seconds:.0f} s"
            )
        return Round(values, tuple(loads))

    def ratio(self, name: str, rounds: Sequence[Round], ours: str, theirs: str, unit: str) -> Ratio:
        """Ours by theirs, of each round by itself."""
        values = [one.values[ours] / one.values[theirs] for one in rounds]
        return self.figure(
            name,
            values,
            {side: median(one.values[side] for one in rounds) for side in (ours, theirs)},
            unit,
        )

    def figure(self, name: str, values: Sequence[float], sides: Mapping[str, float], unit: str) -> Ratio:
        return Ratio(
            name=name,
            value=median(values),
            spread=(min(values), max(values)),
            rounds=len(values),
            sides=sides,
            unit=unit,
            circumstances=self.circumstances(),
        )

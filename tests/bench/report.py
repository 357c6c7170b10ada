"""What a run says in the end: a file for programs, tables for people."""

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.counts.bounds import BOUNDS, shown, slowness
from tests.bench.results import Results
from tests.bench.targets import TARGETS

_WIDTH = 130


def write(file: Path, results: Results) -> None:
    """`must` and `goal` are null where nothing has to be reached."""
    ratios = {
        name: {
            "value": ratio.value,
            "must": TARGETS[name].must,
            "goal": TARGETS[name].goal,
            "spread": list(ratio.spread),
        }
        for name, ratio in results.ratios.items()
    }
    counts = dict(results.counted.counts) if results.counted else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"ratios": ratios, "counts": counts}, indent=1) + "\n")


def show(console: Console, results: Results) -> None:
    console = Console(file=console.file, width=max(console.width, _WIDTH))
    if results.counted:
        console.print(_counts(results.counted.counts))
        console.print(_processor(results.counted.counts))
    if results.ratios:
        console.print(_ratios(results))


def _counts(counts: Mapping[str, float]) -> Table:
    table = Table(title="one report", title_justify="left", box=None)
    table.add_column("count")
    for column in ("now", "bound", "must", "goal"):
        table.add_column(column, justify="right")
    table.add_column("")
    for name, bound in BOUNDS.items():
        value = counts.get(name)
        wanted = (shown(one) if one is not None else "" for one in (bound.must, bound.goal))
        most = bound.here(counts)
        exceeds = value is None or value > most
        now = "-" if value is None else f"{shown(value)} {bound.unit}".strip()
        table.add_row(name, f"[red]{now}[/]" if exceeds else now, shown(most), *wanted, bound.what)
    if slowness(counts) > 1:
        table.caption = f"Bounds of processor time are times {slowness(counts):.2g}: so slow is this machine."
    return table


def _processor(counts: Mapping[str, float]) -> Table:
    """The processor time of each part, in each situation."""
    table = Table(title="processor time of one report, ms", title_justify="left", box=None)
    table.add_column("part")
    situations = ("alone", "step_alone", "load", "step_load", "idle_second")
    for situation in situations:
        table.add_column(situation.replace("_", " "), justify="right")
    parts = sorted({name.removesuffix("_load") for name in counts if name.startswith("cpu_ms_")} - {"cpu_ms"})
    for part in parts:
        if f"{part}_alone" in counts and not part.endswith(("_step", "_steps", "_11")):
            values = (f"{counts.get(f'{part}_{situation}', 0):.1f}" for situation in situations)
            table.add_row(part.removeprefix("cpu_ms_"), *values)
    return table


def _ratios(results: Results) -> Table:
    table = Table(title="ratios: medians of rounds", title_justify="left", box=None)
    table.add_column("ratio")
    for column in ("now", "spread", "must", "goal", "sides", "load"):
        table.add_column(column, justify="right")
    for name, ratio in results.ratios.items():
        target = TARGETS[name]
        now = f"{ratio.value:.3g}"
        wanted = (target.wanted(one) for one in (target.must, target.goal))
        sides = ", ".join(f"{side} {value:.3g}" for side, value in ratio.sides.items())
        load = " to ".join(f"{one:g}" for one in ratio.circumstances.load)
        table.add_row(
            name,
            f"[red]{now}[/]" if target.reached(ratio.value) is False else now,
            f"{ratio.spread[0]:.3g} to {ratio.spread[1]:.3g}",
            *wanted,
            f"{sides} {ratio.unit}",
            load,
        )
    return table

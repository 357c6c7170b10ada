"""`python -m tests.bench`: measures, writes build/bench.json, and shows it.

`tests/bench/settings.py` tells what can be asked of it.
"""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from rich.console import Console

from local import signals
from local.errors import LocalError
from local.paths import CHECKOUT
from tests.bench import page, report, results, settings
from tests.bench.counts.bounds import exceeded
from tests.bench.errors import CannotMeasure
from tests.bench.parts import COUNTS, PARTS
from tests.bench.peers.catalog import PEERS
from tests.bench.results import Results
from tests.bench.rounds import Bench
from tests.bench.scale import Scale
from tests.faults.console import Live
from tests.faults.workplace import workplace
from tests.support import asked

_RESULT = CHECKOUT / "build/bench.json"
_ALL = CHECKOUT / "build/bench-results.json"
_PAGE = CHECKOUT / "docs/performance.md"
_LOGS = CHECKOUT / "build/bench-logs"
_WORKPLACE = "waybill-bench-"


def main(arguments: Sequence[str]) -> int:
    """0 if all was measured, and no count is above its bound."""
    if settings.wants_help(arguments):
        sys.stdout.write(
            settings.USAGE.format(medium="about an hour", parts=", ".join(PARTS), peers=", ".join(PEERS))
        )
        return 0
    scale, seed = settings.scale(), settings.seed()
    parts = asked.chosen("BENCH_ONLY", [name for name in PARTS if scale.ratios or name == COUNTS])
    peers = asked.chosen("BENCH_PEERS", PEERS)
    console = Console()
    console.print(f"seed {seed}, {scale.name}: {', '.join(parts)}", highlight=False)
    found, failures = Results(), list[str]()
    _write(found, scale)
    try:
        with workplace(_WORKPLACE) as directory, signals.as_exception():
            for name in parts:
                bench = Bench(name, directory / name, scale, Random(f"{seed} {name}"), peers)
                try:
                    _measure(bench, Live(console), found)
                except Exception as error:  # the other parts can still be measured
                    failures.append(f"{name}: {error}")
                    if not isinstance(error, CannotMeasure | LocalError):
                        console.print_exception()
                    _keep_logs(bench.directory)
                _write(found, scale)
    except signals.Interruption as interruption:
        console.print(f"[red]ended by {interruption}[/]", highlight=False)
        return interruption.exit_code
    finally:
        report.show(console, found)
    failures += exceeded(found.counted.counts) if found.counted else ()
    for failure in failures:
        console.print(f"[red]{failure}[/]", highlight=False, soft_wrap=True)
    return 1 if failures else 0


def _measure(bench: Bench, live: Live, found: Results) -> None:
    """Adds to `found` what the part has measured."""
    line, began = live.begin(bench.part), time.monotonic()
    bench.say, bench.tell = line.say, live.print
    last = "failed"
    try:
        found.update(PARTS[bench.part](bench))
        last = f"took {time.monotonic() - began:.0f} s, load {bench.note_load():.1f}"
    finally:
        line.end(last)


def _write(found: Results, scale: Scale) -> None:
    """As far as the run has come; where it is worth it, beside what other runs have measured, on the page."""
    report.write(_RESULT, found)
    if not scale.kept:
        return
    everything = results.load(_ALL)
    everything.update(found)
    results.save(_ALL, everything)
    page.write(_PAGE, everything)


def _keep_logs(directory: Path) -> None:
    shutil.rmtree(_LOGS, ignore_errors=True)
    for logs in directory.rglob("logs"):
        shutil.copytree(logs, _LOGS / logs.parent.name, dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

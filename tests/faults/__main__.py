"""`python -m tests.faults`: runs the faults, writes build/faults.json, shows the table.

`FAULTS_SEED` is the seed of all that is chosen at random; `FAULTS` is `quick` or `full`; `FAULTS_ONLY` names
the faults to run, with commas between.
"""

import os
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from local.paths import CHECKOUT
from tests.faults import report
from tests.faults.console import Live
from tests.faults.harness import Harness
from tests.faults.injectors import LANES, Lane
from tests.faults.run import Outcome
from tests.faults.scale import SCALES, Scale

_MOST_TRACES = "200000"
_RESULT = CHECKOUT / "build/faults.json"
_LOGS = CHECKOUT / "build/faults-logs"


def main() -> int:
    """0 if nothing was lost, doubled or stuck, out of order or untraceable."""
    console = Console()
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(10**6))
    scale = _scale(os.environ.get("FAULTS") or "quick")
    lanes = _chosen(os.environ.get("FAULTS_ONLY", ""))
    console.print(f"seed {seed}, {scale.name}", highlight=False)
    for lane in lanes:
        console.print(f"  {', '.join(fault.name for fault in lane.faults)}", highlight=False, soft_wrap=True)
    os.environ.setdefault("JAEGER_MAX_TRACES", _MOST_TRACES)  # Jaeger is started with our environment
    began, outcomes = time.monotonic(), list[Outcome]()
    with tempfile.TemporaryDirectory(prefix="waybill-faults-", ignore_cleanup_errors=True) as directory:
        try:
            Harness(Path(directory), scale, seed, Live(console)).run(lanes, outcomes.append)
        finally:
            report.write(_RESULT, seed, outcomes)
            report.show(console, seed, outcomes, time.monotonic() - began)
            if not report.passed(outcomes):
                _keep_logs(Path(directory))
                console.print(f"the logs of all parts: {_LOGS}", highlight=False, soft_wrap=True)
    return 0 if report.passed(outcomes) else 1


def _keep_logs(directory: Path) -> None:
    """Of every part, by lane."""
    shutil.rmtree(_LOGS, ignore_errors=True)
    for logs in directory.glob("*/stack/logs"):
        shutil.copytree(logs, _LOGS / logs.parents[1].name)


def _scale(name: str) -> Scale:
    if name not in SCALES:
        sys.exit(f"There is no scale {name}: {', '.join(SCALES)}.")
    return SCALES[name]


def _chosen(names: str) -> list[Lane]:
    """The lanes with those of their faults that were asked for."""
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    known = [fault.name for lane in LANES for fault in lane.faults]
    if unknown := wanted.difference(known):
        sys.exit(f"There is no fault {', '.join(sorted(unknown))}: {', '.join(known)}.")
    chosen = [
        replace(lane, faults=tuple(fault for fault in lane.faults if not wanted or fault.name in wanted))
        for lane in LANES
    ]
    return [lane for lane in chosen if lane.faults]


if __name__ == "__main__":
    sys.exit(main())

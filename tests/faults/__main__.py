"""`python -m tests.faults`: runs the faults, writes build/faults.json, shows the table.

`tests/faults/settings.py` tells what can be asked of it.
"""

import os
import shutil
import sys
import time
from pathlib import Path
from threading import Lock

from rich.console import Console

from local import signals
from local.paths import CHECKOUT
from tests.faults import report, settings
from tests.faults.console import Live
from tests.faults.harness import Harness
from tests.faults.run import Outcome
from tests.faults.workplace import workplace

_MOST_TRACES = "200000"
_RESULT = CHECKOUT / "build/faults.json"
_LOGS = CHECKOUT / "build/faults-logs"


def main() -> int:
    """0 if nothing was lost, doubled or stuck, out of order or untraceable."""
    seed, scale, lanes = settings.seed(), settings.scale(), settings.lanes()
    console = Console()
    console.print(f"seed {seed}, {scale.name}", highlight=False)
    for lane in lanes:
        console.print(f"  {', '.join(fault.name for fault in lane.faults)}", highlight=False, soft_wrap=True)
    os.environ.setdefault("JAEGER_MAX_TRACES", _MOST_TRACES)  # Jaeger is started with our environment
    began, outcomes, code = time.monotonic(), list[Outcome](), 1
    lock = Lock()

    def keep(outcome: Outcome) -> None:
        with lock:  # whatever becomes of the others, this one is told
            outcomes.append(outcome)
            report.write(_RESULT, seed, outcomes)

    report.write(_RESULT, seed, outcomes)
    with workplace() as directory:
        try:
            with signals.as_exception():
                Harness(directory, scale, seed, Live(console)).run(lanes, keep)
            code = 0 if report.passed(outcomes) else 1
        except signals.Interruption as interruption:
            console.print(f"[red]ended by {interruption}[/]", highlight=False)
            code = interruption.exit_code
        finally:
            report.show(console, seed, outcomes, time.monotonic() - began)
            if code:
                _keep_logs(directory)
                console.print(f"the logs of all parts: {_LOGS}", highlight=False, soft_wrap=True)
    return code


def _keep_logs(directory: Path) -> None:
    """Of every part, by lane."""
    shutil.rmtree(_LOGS, ignore_errors=True)
    for logs in directory.glob("*/stack/logs"):
        shutil.copytree(logs, _LOGS / logs.parents[1].name)


if __name__ == "__main__":
    sys.exit(main())

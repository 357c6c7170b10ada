"""`python -m tests.faults`: runs the faults, writes build/faults.json, shows the table.

`FAULTS_SEED` is the seed of all that is chosen at random; `FAULTS` is `quick` or `full`; `FAULTS_ONLY` names
the faults to run, with commas between.
"""

import os
import secrets
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from local.paths import CHECKOUT
from tests.faults import report
from tests.faults.console import Live
from tests.faults.harness import Harness, start_rig, workers_for
from tests.faults.injectors import FAULTS, Fault
from tests.faults.run import Outcome
from tests.faults.scale import SCALES

_RESULT = CHECKOUT / "build/faults.json"


def main() -> int:
    """0 if nothing was lost, doubled or stuck, out of order or untraceable."""
    console = Console()
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(10**6))
    scale = SCALES[os.environ.get("FAULTS") or "quick"]
    faults = _chosen(os.environ.get("FAULTS_ONLY", ""))
    console.print(f"seed {seed}, {scale.name}: {', '.join(fault.name for fault in faults)}", highlight=False)
    outcomes: list[Outcome] = []
    live = Live(console)
    with tempfile.TemporaryDirectory(prefix="waybill-faults-", ignore_cleanup_errors=True) as directory:
        rig = start_rig(Path(directory), live, workers_for(faults))
        try:
            Harness(rig, scale, seed, live).run(faults, outcomes.append)
        finally:
            rig.stop()
            report.write(_RESULT, seed, outcomes)
            report.show(console, seed, outcomes)
    return 0 if report.passed(outcomes) else 1


def _chosen(names: str) -> list[Fault]:
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    unknown = wanted - {fault.name for fault in FAULTS}
    if unknown:
        sys.exit(f"There is no fault {', '.join(sorted(unknown))}: {', '.join(one.name for one in FAULTS)}.")
    return [fault for fault in FAULTS if not wanted or fault.name in wanted]


if __name__ == "__main__":
    sys.exit(main())

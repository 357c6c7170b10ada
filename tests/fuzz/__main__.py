"""`python -m tests.fuzz`: tries all targets, and prints for each the cases, the time, and what was found.

`tests/fuzz/settings.py` tells what can be asked of it.
"""

import contextlib
import logging
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
from rich.console import Console

from local import signals
from tests.fuzz import settings
from tests.fuzz.database import database
from tests.fuzz.running import Outcome, repeat, run, shares
from tests.fuzz.target import Place, Target

_console = Console(highlight=False, markup=False, soft_wrap=True)


def main() -> int:
    """0 if every case was tried and none failed."""
    targets, seed, case = settings.targets(), settings.seed(), settings.case()
    # of the API: what it answers is checked, not what it logs
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began, outcomes = time.monotonic(), list[Outcome]()
    try:
        with signals.as_exception(), _place(targets) as place:
            wanted = shares(targets, settings.cases())
            for target in targets:
                with target.open(place) as check:
                    outcome = (
                        repeat(target, check, case) if case else run(target, check, wanted[target.name], seed)
                    )
                outcomes.append(outcome)
                _show(outcome)
    except signals.Interruption as interruption:
        _console.print(f"ended by {interruption}")
        return interruption.exit_code
    found = sum(outcome.finding is not None for outcome in outcomes)
    cases = sum(outcome.cases for outcome in outcomes)
    _console.print(
        f"{cases:,} cases in {time.monotonic() - began:.0f} s, seed {seed}: {found or 'nothing'} found"
    )
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _show(outcome: Outcome) -> None:
    rate = outcome.cases / outcome.seconds if outcome.seconds else 0
    _console.print(
        f"{outcome.target:<18}{outcome.cases:>9,} cases {outcome.seconds:>7.1f} s {rate:>8,.0f}/s"
        f"  {outcome.accepted / max(1, outcome.cases):>4.0%} accepted"
    )
    if outcome.finding:
        _console.print("".join(traceback.format_exception(outcome.finding.error)))
        _console.print(f"FOUND; again: {outcome.finding.repeated_by}")


@contextlib.contextmanager
def _place(targets: Sequence[Target]) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="waybill-fuzz-") as folder, contextlib.ExitStack() as stack:
        path = Path(folder)
        url = (
            stack.enter_context(database(path / "run")) if any(one.needs_database for one in targets) else ""
        )
        files = path / "files"
        files.mkdir()
        yield Place(files, url)


if __name__ == "__main__":
    sys.exit(main())

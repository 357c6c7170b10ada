"""What a run says in the end: a file for programs, a table for people."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.checker import Harm
from tests.faults.rig import LEASE_SECONDS
from tests.faults.run import Outcome

_SHOWN = 5
_WIDTH = 130


def write(file: Path, seed: int, outcomes: Sequence[Outcome]) -> None:
    """The figures of each fault. The times are seconds, null where nothing was there to be measured."""
    faults = [
        {
            "name": outcome.name,
            "injected": outcome.injected,
            "lost": outcome.count(Harm.LOST),
            "doubled": outcome.count(Harm.DOUBLED),
            "stuck": outcome.count(Harm.STUCK),
            "recovery_p50_s": outcome.recovery_p50,
            "recovery_max_s": outcome.recovery_max,
        }
        for outcome in outcomes
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"seed": seed, "faults": faults}, indent=1) + "\n")


def show(console: Console, seed: int, outcomes: Sequence[Outcome], seconds: float) -> None:
    """The table, and below it each violation by name, with examples."""
    title = f"seed {seed}, lease {LEASE_SECONDS:g} s, {seconds / 60:.1f} min in all"
    table = Table(title=title, title_justify="left", box=None)
    console = Console(file=console.file, width=max(console.width, _WIDTH))
    table.add_column("fault")
    for name in ("injected", "reports", "lost", "doubled", "stuck", "other"):
        table.add_column(name, justify="right")
    for name in ("recovery p50", "max", "begun again", "took"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        other = outcome.count(Harm.DISORDER) + outcome.count(Harm.TRACE)
        table.add_row(
            outcome.name,
            str(outcome.injected),
            str(outcome.reports),
            *(_count(outcome.count(harm)) for harm in (Harm.LOST, Harm.DOUBLED, Harm.STUCK)),
            _count(other),
            _seconds(outcome.recovery_p50),
            _seconds(outcome.recovery_max),
            str(outcome.started_again),
            _seconds(outcome.seconds),
        )
    console.print(table)
    for outcome in outcomes:
        show_violations(console, outcome)


def show_violations(console: Console, outcome: Outcome) -> None:
    """How often each promise was broken, with the first few cases."""
    names = Counter((violation.harm, violation.name) for violation in outcome.violations)
    for (harm, name), count in names.items():
        console.print(f"[red]{outcome.name}: {harm}: {name}, {count} times[/]", highlight=False)
        cases = [one for one in outcome.violations if (one.harm, one.name) == (harm, name)]
        for case in cases[:_SHOWN]:
            console.print(f"    {case.subject}: {case.detail}", highlight=False, markup=False, soft_wrap=True)


def passed(outcomes: Sequence[Outcome]) -> bool:
    """Nothing was lost, doubled or stuck, out of order or untraceable; and something was injected."""
    return bool(outcomes) and all(one.injected and not one.violations for one in outcomes)


def _count(number: int) -> str:
    return f"[red]{number}[/]" if number else "0"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"

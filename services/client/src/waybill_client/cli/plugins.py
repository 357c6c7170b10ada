"""Commands of other distributions, found by the entry-point group `waybill.commands`.

An entry point is a function that gets the typer application and adds its commands, such as `waybill migrate`,
which exists where the services are installed.
"""

import sys
from importlib.metadata import entry_points

import typer

GROUP = "waybill.commands"


def register(app: typer.Typer) -> None:
    """Adds them all. One that fails costs its own commands, and one line on standard error."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            entry.load()(app)
        except (Exception, SystemExit) as error:  # a module that exits when imported fails like any other
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            sys.stderr.write(f"waybill: the commands of {entry.value} are left out: {reason}\n")

"""The demonstration: the stack on a fresh run directory, and the `waybill demo` command against it."""

from contextlib import suppress
from pathlib import Path
from typing import TextIO

from local import console, signals
from local.installation import Installation
from local.parts import services
from local.ports import Ports
from local.setup import set_up
from local.stack import Stack


def demo(path: Path, out: TextIO) -> int:
    """Sets up, starts, shows, and stops; on a terminal it stays until Ctrl-C before it stops.

    Returns the exit code of `waybill demo`, so 0 only if all of it happened.
    """
    with signals.as_exception():
        installation = set_up(out, path / "setup")
        ports = Ports.usual()
        print("Starting:", file=out, flush=True)
        stack = Stack.start(
            path, installation=installation, ports=ports, report=console.reporter(out, "ready after")
        )
        code = 1
        try:
            console.print_moved_ports(ports, out)
            code = _show(stack, installation)
            if out.isatty():
                _stay(stack, out)
        except signals.Interruption as interruption:
            return interruption.exit_code
        finally:
            print("Stopping:", file=out, flush=True)
            stack.stop(console.reporter(out, "stopped after"))
    return code


def _show(stack: Stack, installation: Installation) -> int:
    artefacts = stack.run_dir.path / "reports"
    client = (str(installation.scripts / "waybill"), "demo", "--save", str(artefacts))
    return stack.run_client(client, {**services.without_proxy(), **stack.endpoints.environment()})


def _stay(stack: Stack, out: TextIO) -> None:
    """Blocks until a signal comes, which ends it without an error."""
    print("\nThe stack stays up until Ctrl-C:", file=out)
    console.print_addresses(stack.endpoints.environment(), stack.run_dir, out)
    with suppress(signals.Interruption):
        stack.watch(until=lambda: False)

"""The demonstration: the stack on a fresh run directory, and the `waybill demo` command against it."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from local import console, signals
from local.install import jaeger
from local.installation import Installation
from local.parts import services
from local.ports import Ports
from local.progress import duration
from local.setup import FIRST, LATER, SetUp
from local.stack import Stack

_SET_UP = "set-up of what the stack needs"
_REPLAY_SECONDS = 60
"""How long Jaeger may take to answer with all spans."""
_WIDTH = 38


def demo(path: Path, out: TextIO) -> int:
    """Sets up, starts, shows, and stops; on a terminal it stays until Ctrl-C before it stops.

    Where Jaeger is not there yet, the traces are shown from the trace buffer, and compared with Jaeger's once
    it is. Returns 0 only if all of it happened and both traces were read from Jaeger.
    """
    with signals.as_exception(), SetUp(out, path / "setup") as set_up:
        return _Demo(path, out, set_up).run()


class _Demo:
    def __init__(self, path: Path, out: TextIO, set_up: SetUp) -> None:
        self._path = path
        self._out = out
        self._set_up = set_up
        self._begin = time.monotonic()
        self._began_at = time.time()
        self._stages: dict[str, float] = {}
        """In the order in which they were begun, with their seconds."""

    def run(self) -> int:
        with self._stage(_SET_UP):
            self._set_up.wait(FIRST)
        installation = Installation.find(needs_jaeger=False)
        ports = Ports.usual()
        self._say("Starting:")
        with self._stage("start of the stack"):
            stack = Stack.start(
                self._path,
                installation=installation,
                ports=ports,
                with_examples=True,
                report=console.reporter(self._out, "ready after"),
            )
        code = 1
        try:
            console.print_moved_ports(ports, self._out)
            code = self._show_all(stack, installation)
            if self._out.isatty():
                self._stay(stack)
        except signals.Interruption as interruption:
            if not stack.has_jaeger and not self._set_up.is_installed("jaeger"):
                self._say("\nJaeger was not there yet: the next 'make demo' continues its build.")
            return interruption.exit_code
        finally:
            self._say("Stopping:")
            stack.stop(console.reporter(self._out, "stopped after"))
        return code

    def _show_all(self, stack: Stack, installation: Installation) -> int:
        waybill = str(installation.scripts / "waybill")
        environment = {**services.without_proxy(), **stack.endpoints.environment()}
        if not stack.has_jaeger:
            environment["JAEGER_URL"] = stack.endpoints.trace_buffer_url
            self._say("Jaeger is not there yet: the traces below come from the local trace buffer.")
        shutil.rmtree(self._reports, ignore_errors=True)
        with self._stage("two reports and their traces"):
            code = stack.run_client((waybill, "demo", "--save", str(self._reports)), environment)
        if not stack.has_jaeger:
            code = max(code, self._read_back(stack, waybill))
        self._print_stages()
        return code

    def _read_back(self, stack: Stack, waybill: str) -> int:
        """Waits for Jaeger, and compares what it has of both traces with what was shown.

        Returns 0 where they are the same.
        """
        if self._out.isatty():
            self._say(
                f"\nOpen {stack.endpoints.api_url}/ in a browser, and request a report of your own.\n"
                "Jaeger is being installed. Ctrl-C is safe: what was built is kept for the next time."
            )
        else:
            self._say("\nJaeger is being installed:")
        with self._stage("set-up of Jaeger, after that"):
            self._set_up.wait(LATER)
        binary = jaeger.find()
        if binary is None:
            raise RuntimeError("Jaeger was installed and is not there")
        with self._stage("start of Jaeger, replay of the spans"):
            stack.add_jaeger(binary)
            environment = {**services.without_proxy(), **stack.endpoints.environment()}
            self._say("Jaeger answers. Read back from it, and compared with what was shown above:")
            compare = [
                (waybill, "trace", _trace_id(file), "--same-as", str(file), "--wait", str(_REPLAY_SECONDS))
                for file in self._traces
            ]
            codes = [stack.run_client(command, environment) for command in compare]
        return max(codes, default=1)

    def _stay(self, stack: Stack) -> None:
        """Blocks until a signal comes, which ends it without an error."""
        self._say(f"\nOpen {stack.endpoints.api_url}/ in a browser. The stack stays up until Ctrl-C:")
        console.print_addresses(stack.endpoints.environment(), stack.run_dir, self._out)
        with suppress(signals.Interruption):
            stack.watch(until=lambda: False)

    @property
    def _reports(self) -> Path:
        return self._path.resolve() / "reports"

    @property
    def _traces(self) -> list[Path]:
        """What `waybill demo` has shown, saved just before it was."""
        return sorted(self._reports.glob("*/trace.json"))

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self._stages[name] = time.monotonic() - begin

    def _print_stages(self) -> None:
        self._say("\nWhere the time of this demonstration went:")
        for stage, seconds in self._stages.items():
            self._print_seconds(f"  {stage}", seconds)
            if stage == _SET_UP:
                for task in self._set_up.tasks.values():
                    if task.name in FIRST and task.seconds is not None:
                        self._print_seconds(f"    {task.name}, beside the others", task.seconds)
        self._print_seconds("together", time.monotonic() - self._begin)
        shown = [file.stat().st_mtime for file in self._traces]
        if shown:
            self._print_seconds("first trace on the screen after", min(shown) - self._began_at)

    def _print_seconds(self, what: str, seconds: float) -> None:
        self._say(f"{what:<{_WIDTH}}{duration(seconds):>10}")

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def _trace_id(file: Path) -> str:
    return str(json.loads(file.read_text())["trace_id"])

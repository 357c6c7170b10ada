"""Starts tasks and parts in the order of their needs, watches the parts, stops them in reverse."""

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from graphlib import TopologicalSorter

from local.errors import PartFailedError, StoppedError, describe_exit
from local.parts.part import Node, Part, Task
from local.probes import answers
from local.process import Launcher, Process
from local.run_dir import RunDir, RunningPart

Report = Callable[[str, float], None]
"""Gets the name of each part or task that is done, and the seconds since the first was started."""

_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.25


class Runner:
    """Knows what runs; knows nothing of what it is. One thread may use it at a time."""

    def __init__(self, run_dir: RunDir) -> None:
        self._run_dir = run_dir
        self._launcher = Launcher()
        self._nodes: dict[str, Node] = {}
        self._processes: dict[str, Process] = {}
        self._disturbed: set[str] = set()
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def start(self, nodes: Sequence[Node], report: Report) -> None:
        """Starts each node as soon as what it needs is ready, and returns when all are.

        On an error, what was started stays until `stop`.
        """
        self._nodes = {node.name: node for node in nodes}
        sorter = TopologicalSorter({node.name: node.needs for node in nodes})
        sorter.prepare()
        begin = time.monotonic()
        starting: dict[Future[None], str] = {}
        with ThreadPoolExecutor(len(nodes)) as pool:
            try:
                while sorter.is_active():
                    starting |= {
                        pool.submit(self._run, self._nodes[name]): name for name in sorter.get_ready()
                    }
                    for future in wait(starting, _WATCH_SECONDS, FIRST_COMPLETED).done:
                        future.result()
                        name = starting.pop(future)
                        report(name, time.monotonic() - begin)
                        sorter.done(name)
                    self.check()
            except BaseException:
                self._stopping.set()
                raise

    def stop(self, report: Report) -> None:
        """Stops each part before what it needs, and leaves nothing running."""
        self._stopping.set()
        users: dict[str, list[str]] = {name: [] for name in self._nodes}
        for node in self._nodes.values():
            for need in node.needs:
                users[need].append(node.name)
        sorter = TopologicalSorter(users)
        sorter.prepare()
        begin = time.monotonic()
        try:
            with ThreadPoolExecutor() as pool:
                while sorter.is_active():
                    names = sorter.get_ready()
                    parts = [name for name in names if name in self._processes]
                    for name, _code in zip(parts, pool.map(self.stop_part, parts), strict=True):
                        report(name, time.monotonic() - begin)
                    sorter.done(*names)
        finally:
            self._launcher.close()

    def node(self, name: str) -> Part:
        """The part of that name; KeyError if there is none."""
        node = self._nodes[name]
        if not isinstance(node, Part):
            raise KeyError(name)
        return node

    def process(self, name: str) -> Process:
        return self._processes[name]

    def start_part(self, part: Part) -> None:
        """Starts a part, new or ended, and waits until it answers."""
        if part.name in self._processes:
            self._processes.pop(part.name).stop(part.stop_signal, part.stop_seconds)
        self._nodes[part.name] = part
        self._run_part(part)

    def add_need(self, name: str, need: str) -> None:
        """From now on the part `name` is stopped before the part `need`."""
        part = self.node(name)
        self._nodes[name] = replace(part, needs=(*part.needs, need))

    def stop_part(self, name: str) -> int:
        """Returns the exit code; negative if a signal ended it."""
        part = self.node(name)
        self.expect_end(name)
        code = self._processes[name].stop(part.stop_signal, part.stop_seconds)
        self._write_parts()
        return code

    def expect_end(self, name: str) -> None:
        """From now on its end is no failure."""
        self._disturbed.add(name)

    def check(self) -> None:
        """Raises PartFailedError if a part has ended that was not expected to."""
        for name, process in list(self._processes.items()):
            if name not in self._disturbed and process.exit_code is not None:
                raise self._failed(name, process.exit_code)

    def run_client(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Runs a command with our own output, checking the parts meanwhile, and returns its exit code."""
        directory = self._run_dir.path
        client = self._launcher.spawn(command, environment=environment, directory=directory, output=None)
        try:
            while client.exit_code is None:
                self.check()
                time.sleep(_POLL_SECONDS)
        finally:
            code = client.stop(signal.SIGINT)  # as Ctrl-C would, so that it leaves the terminal as it was
        return code

    def _run(self, node: Node) -> None:
        if isinstance(node, Part):
            self._run_part(node)
        else:
            self._run_task(node)

    def _run_part(self, part: Part) -> None:
        process = self._spawn(part)
        self._processes[part.name] = process
        self._disturbed.discard(part.name)
        self._write_parts()
        deadline = time.monotonic() + part.start_seconds
        while not answers(part.health) or process.exit_code is not None:
            if process.exit_code is not None:
                raise self._failed(part.name, process.exit_code)
            self._pause(part.name, deadline)

    def _run_task(self, task: Task) -> None:
        process = self._spawn(task)
        deadline = time.monotonic() + task.seconds
        try:
            while process.exit_code is None:
                self._pause(task.name, deadline)
        finally:
            code = process.stop()
        if code != 0:
            raise self._failed(task.name, code)

    def _pause(self, name: str, deadline: float) -> None:
        if self._stopping.is_set():
            raise StoppedError(f"{name} was not ready yet when the stack was stopped")
        if time.monotonic() > deadline:
            raise PartFailedError(name, "was not ready in time", self._run_dir.log(name))
        time.sleep(_POLL_SECONDS)

    def _spawn(self, node: Node) -> Process:
        with self._run_dir.log(node.name).open("ab") as log:
            return self._launcher.spawn(
                node.command,
                environment=node.environment,
                directory=self._run_dir.path,
                output=log,
                stdin=node.stdin if isinstance(node, Task) else Task.stdin,
            )

    def _failed(self, name: str, code: int) -> PartFailedError:
        return PartFailedError(name, describe_exit(code), self._run_dir.log(name))

    def _write_parts(self) -> None:
        with self._lock:
            running = [
                RunningPart(name, process.pid, self.node(name).port, self.node(name).health)
                for name, process in list(self._processes.items())
                if process.exit_code is None
            ]
            self._run_dir.write_parts(running)

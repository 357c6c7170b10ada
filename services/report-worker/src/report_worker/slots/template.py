"""The template: the process that slots are forked from.

It has imported the kinds and what telemetry needs, so that a fork is ready at once; and it has no thread, no
connection, no credentials and no telemetry, so that a fork is safe. Its one loop forks, ends and reaps.

    python -m report_worker.slots.template FILE_DESCRIPTOR
"""

import gc
import json
import os
import random
import resource
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NoReturn

import structlog

from report_worker.slots import processes
from report_worker.slots.capture import STREAMS, Capture
from report_worker.slots.channel import Channel, WrongFrameError
from report_worker.slots.environment import SOURCES
from report_worker.slots.process import SlotProcess
from report_worker.slots.protocol import (
    FROM_SLOT,
    FROM_TEMPLATE,
    TO_SLOT,
    TO_TEMPLATE,
    End,
    Ended,
    Fork,
    Forked,
    FromTemplate,
    Importing,
    NotForked,
    Options,
    Prepared,
    ToTemplate,
)
from report_worker.slots.state import data_bytes
from waybill.kinds import Registry, load_registry
from waybill.logs import configure_logs
from waybill.telemetry import start_sdk

log = structlog.get_logger(__name__)

_QUERY = ("report_worker.query", "report_worker.files.libraries")
_DEFINED = "query:*"
_SWEEP_SECONDS = 0.01
"""Between two looks at the processes of slots that end."""
_ENDING_SECONDS = 2.0
"""For what a slot has started to be gone once it was killed. It runs no more, but a file system that does not
answer may hold it for ever."""
_LATER_SECONDS = 1.0
"""Between two looks at what is not gone by then: once it is, its own children become ours."""
_FLUSH_SECONDS = 5.0
"""For the slots of a worker that is gone, to send out their spans."""
_LAST_SECONDS = 5.0


def main() -> None:
    """Runs until the worker closes the channel, or dies; then every slot ends, with all that came of it."""
    file = int(sys.argv[1])
    os.set_inheritable(file, False)
    control = Channel(socket.socket(fileno=file), FROM_TEMPLATE, TO_TEMPLATE, takes_files=True)
    # It is the worker that decides when slots end, whatever a terminal or a supervisor sends to all.
    signal.signal(signal.SIGINT, _ignore)
    signal.signal(signal.SIGTERM, _ignore)
    os.register_at_fork(after_in_child=_restore_signals)
    processes.become_subreaper()
    with suppress(EOFError, OSError):
        options = control.receive()
        if isinstance(options, Options):
            Template(control, options).run()
    os._exit(0)  # there is nothing to clean up, and libraries may have much to say of their end


class Template:
    """One thread."""

    def __init__(self, control: Channel[FromTemplate, ToTemplate], options: Options) -> None:
        self._control = control
        self._options = options
        self._kinds = load_registry()
        self._exited: dict[int, tuple[int, float]] = {}
        self._slots: set[int] = set()
        self._is_left = False

    def run(self) -> None:
        configure_logs("report-worker", self._options.log_format, self._options.log_level)
        if self._options.traced:
            _import_what_telemetry_needs()
        self._import_kinds()
        gc.collect()
        gc.freeze()  # a later collection in a slot would copy every page that it marks
        self._control.send(Prepared())
        try:
            self._serve()
        except (EOFError, OSError):  # the worker is gone
            self._end_all()
        except WrongFrameError as error:  # the worker starts another
            log.warning("the slots' template ends", reason=str(error))
            self._end_all()

    def _serve(self) -> None:
        wakeup, written = os.pipe()
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(wakeup, select.POLLIN)
        while True:
            ready = dict(poll.poll(self._pause_ms()))
            if wakeup in ready:
                os.read(wakeup, 4096)
            self._reap()
            while message := self._control.receive(0):
                self._handle(message, (wakeup, written))

    def _pause_ms(self) -> float | None:
        if self._exited:
            return _SWEEP_SECONDS * 1000
        return _LATER_SECONDS * 1000 if self._is_left else None

    def _handle(self, message: ToTemplate, ours: tuple[int, ...]) -> None:
        match message:
            case Fork(token):
                self._fork(self._received(1), ours, token, self._received(len(STREAMS)) if token else [])
            case End(pid) if pid in self._slots:
                os.kill(pid, signal.SIGKILL)

    def _received(self, number: int) -> list[int]:
        """The files that came with a message."""
        files = self._control.received_files
        if len(files) < number:  # as where a job has set limits for this process
            raise WrongFrameError("A slot's channel cannot be received.")
        return [files.popleft() for _ in range(number)]

    def _fork(self, channel: list[int], ours: tuple[int, ...], token: str | None, pipes: list[int]) -> None:
        (file,) = channel
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _close(file, *pipes)
            self._control.send(NotForked(f"A slot's process cannot be forked: {error}."))
            return
        if pid == 0:
            processes.die_with_parent(parent)
            self._control.close()
            _close(*ours)
            _run_slot(file, self._options, self._kinds, Capture(pipes, token) if token else None)
        _close(file, *pipes)
        self._slots.add(pid)
        self._control.send(Forked(pid))

    def _reap(self) -> None:
        """A slot has ended once nothing is left of what it started: its orphans are children of ours."""
        for pid in list(self._slots):
            if (code := processes.reap(pid)) is not None:
                self._slots.discard(pid)
                self._exited[pid] = code, time.monotonic() + _ENDING_SECONDS
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
        if self._exited or self._is_left:
            nothing_left = processes.kill_children(self._slots)
            self._is_left = not nothing_left
            for pid, (code, deadline) in list(self._exited.items()):
                if nothing_left or time.monotonic() > deadline:
                    self._tell_end(pid, code, nothing_left)

    def _tell_end(self, pid: int, code: int, nothing_left: bool) -> None:
        if not nothing_left:
            left = sorted(processes.children() - self._slots)
            log.warning("processes of jobs were killed, and do not end", pids=left)
        self._control.send(Ended(pid, code))
        del self._exited[pid]

    def _end_all(self) -> None:
        deadline = time.monotonic() + _FLUSH_SECONDS
        while self._slots and time.monotonic() < deadline:
            self._slots = {pid for pid in self._slots if processes.reap(pid) is None}
            processes.kill_children(self._slots)
            time.sleep(_SWEEP_SECONDS)
        processes.kill_all_children((), _LAST_SECONDS)

    def _import_kinds(self) -> None:
        """All that leave no thread behind. One that does is imported in the slots alone: this process starts
        again without it."""
        modules = {kind.implementation.partition(":")[0]: kind.name for kind in self._kinds}
        if os.environ.get(SOURCES):  # there may be definitions, which are in no registry of this process
            modules |= dict.fromkeys(_QUERY, _DEFINED)
        for module, kind in modules.items():
            if module in self._options.skipped:
                continue
            self._control.send(Importing(module))
            try:
                import_module(module)
            except Exception as error:
                log.warning("kind not imported: its reports fail", kind=kind, reason=str(error))
            if _has_threads():
                sys.exit(0)  # the worker starts another template, which skips what was imported last


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def _run_slot(file: int, options: Options, kinds: Registry, capture: Capture | None) -> NoReturn:
    """In the forked process."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # A terminal's Ctrl-C does not reach a session of its own; SIGTERM to all might.
        signal.signal(signal.SIGINT, _ignore)
        signal.signal(signal.SIGTERM, _ignore)
        os.setsid()
        processes.become_subreaper()
        processes.keep_own_user()
        _reseed()
        if options.traced:
            _start_telemetry(options)
        # Beyond it an allocation fails in the job, and not the whole container. What is the template's too
        # does not count: it is there once for all slots.
        limit = data_bytes() + options.memory_mib * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        channel = Channel(socket.socket(fileno=file), FROM_SLOT, TO_SLOT)
        SlotProcess(channel, kinds, capture).run()
    except BaseException:
        log.exception("slot ended by an unexpected error")
    finally:
        os._exit(70)  # EX_SOFTWARE; in order, it ends by the thread that listens


def _start_telemetry(options: Options) -> None:
    os.environ.update(options.secrets)
    try:
        start_sdk()
    finally:
        for name in options.secrets:
            os.environ.pop(name)


def _import_what_telemetry_needs() -> None:
    """Which modules these are depends on the variables: a process that is thrown away finds out."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            before = set(sys.modules)
            start_sdk()
            os.write(writing, json.dumps(sorted(set(sys.modules) - before)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        names = json.loads(file.read() or b"[]")
    os.waitpid(pid, 0)
    for name in names:
        with suppress(Exception):
            import_module(name)


def _has_threads() -> bool:
    """After a fork, before which libraries with threads of their own, such as OpenBLAS, end them."""
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    tasks = Path("/proc/self/task")
    return tasks.is_dir() and len(list(tasks.iterdir())) > 1


def _reseed() -> None:
    """Python's generator does so by itself after a fork, numpy's does not."""
    random.seed()
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()


def _ignore(_: int, __: FrameType | None) -> None:
    """Unlike SIG_IGN, this does not pass to the programs that a job starts."""


def _restore_signals() -> None:
    """Nor to the processes that it forks: a pool ends its own by SIGTERM."""
    if signal.getsignal(signal.SIGTERM) is _ignore:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is _ignore:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    main()

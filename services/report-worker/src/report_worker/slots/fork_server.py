"""The worker's side of the template: starts it, has it fork slots, and learns how they ended."""

import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import TypeAlias

import structlog

from report_worker.slots import processes
from report_worker.slots.channel import Channel, WrongFrameError
from report_worker.slots.errors import SlotDied
from report_worker.slots.output import Output
from report_worker.slots.processes import exit_in_words
from report_worker.slots.protocol import (
    FROM_TEMPLATE,
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

log = structlog.get_logger(__name__)

_PREPARE_SECONDS = 60.0
"""For the imports of all kinds."""
_FORK_SECONDS = 30.0
_MAX_TEMPLATES = 3
"""For one fork."""
_SEND_SECONDS = 10.0
_SWEEP_SECONDS = 5.0
_STOPS = "No slot is started any more: the worker stops."

Control: TypeAlias = Channel[ToTemplate, FromTemplate]


@dataclass
class ForkedProcess:
    """A slot's process. `exit_code` is negative for a signal; None if the template ended before it."""

    pid: int
    ended: threading.Event = field(default_factory=threading.Event)
    exit_code: int | None = None


class ForkServer:
    """Has one template at a time; the next fork after its death starts another. Any thread may call it."""

    def __init__(
        self, options: Options, environment: Mapping[str, str], *, adopts_orphans: bool = False
    ) -> None:
        """`environment`: of the slots. `adopts_orphans`: the caller's process has no other children, so that
        whatever a killed template leaves to it is a job's, and is ended."""
        self._options = options
        self._environment = environment
        self._adopts_orphans = adopts_orphans
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._template: _Template | None = None
        if adopts_orphans:
            processes.become_subreaper()

    def fork(self, connection: socket.socket, output: Output | None = None) -> ForkedProcess:
        """A slot that has the other end of its channel in `connection`; what its jobs print goes to `output`,
        else to this process's own standard streams. May block for a minute, if a template must start first.
        Raises `SlotDied`."""
        with self._lock:
            if self._closing.is_set():
                raise SlotDied(_STOPS)
            for _ in range(_MAX_TEMPLATES):
                template = self._template
                if template is None or template.has_ended:
                    template = self._start()
                if forked := template.fork(connection, output):
                    return forked
            raise SlotDied("The slots' template process ends again and again.")

    def end(self, process: ForkedProcess, seconds: float) -> None:
        """Kills a slot's process and all that came of it, and blocks until then. A template that takes too
        long is killed itself, which ends all of its slots."""
        template = self._template
        if process.ended.is_set() or template is None:
            return
        template.end(process)
        if not process.ended.wait(seconds):
            log.warning("template restarted: it did not end a slot", pid=process.pid)
            template.kill()
            process.ended.wait(seconds)

    def close(self) -> None:
        """Ends the template and its slots."""
        self._closing.set()
        if self._template is not None:
            self._template.close()

    def _start(self) -> "_Template":
        """Without the kinds whose import has ended a template before. Raises `SlotDied`."""
        while not self._closing.is_set():
            self._template = template = _Template(
                self._options, self._environment, adopts_orphans=self._adopts_orphans
            )
            guilty = template.wait_until_prepared()
            if guilty is None:
                return template
            if self._closing.is_set():  # which has ended the template
                break
            log.warning(
                "kind imported in its slots alone: its import ends or blocks a process, or leaves a thread",
                module=guilty,
            )
            self._options = replace(self._options, skipped=(*self._options.skipped, guilty))
        raise SlotDied(_STOPS)


class _Template:
    """One template process, from its start to its end."""

    def __init__(self, options: Options, environment: Mapping[str, str], *, adopts_orphans: bool) -> None:
        self._adopts_orphans = adopts_orphans
        self._slots: dict[int, ForkedProcess] = {}
        self._answers: SimpleQueue[ForkedProcess | NotForked | None] = SimpleQueue()
        self._prepared = threading.Event()
        self._importing: str | None = None
        self._is_ready = False
        self.has_ended = False
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "report_worker.slots.template", str(theirs.fileno())],
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise SlotDied(f"The slots' template process cannot be started: {error}.") from None
        finally:
            theirs.close()
        self._control: Control = Channel(ours, TO_TEMPLATE, FROM_TEMPLATE, _SEND_SECONDS)
        self._reading = threading.Thread(target=self._read, name="slot-template", daemon=True)
        self._reading.start()
        self._send(options)

    def wait_until_prepared(self) -> str | None:
        """The module whose import has ended the process, or does not end; None if all is well. Raises
        `SlotDied`."""
        self._prepared.wait(_PREPARE_SECONDS)
        if self._is_ready:
            return None
        self.kill()
        if self._importing is None:
            raise SlotDied(f"The slots' template process {exit_in_words(self._process.returncode)}.")
        return self._importing

    def fork(self, connection: socket.socket, output: Output | None) -> ForkedProcess | None:
        """One at a time. None if this template has ended. Raises `SlotDied`."""
        if output is None:
            self._send(Fork(), connection.fileno())
        else:
            self._send(Fork(output.token), connection.fileno(), *output.written)
        try:
            answer = self._answers.get(timeout=_FORK_SECONDS)
        except Empty:
            log.warning("template restarted: it did not fork a slot")
            self.kill()
            return None
        if isinstance(answer, NotForked):
            raise SlotDied(answer.reason)
        return answer

    def end(self, slot: ForkedProcess) -> None:
        self._send(End(slot.pid))

    def kill(self) -> None:
        """At once. Its slots end with it."""
        self._process.kill()
        self._reading.join()

    def close(self) -> None:
        """Lets it end its slots, and ends it."""
        if not self._is_ready:
            self.kill()
            return
        with suppress(OSError):
            self._control.shutdown()
        try:
            self._process.wait(_SEND_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reading.join()

    def _send(self, message: ToTemplate, *files: int) -> None:
        with suppress(OSError):  # its end is for `_read` to notice
            self._control.send(message, files)

    def _read(self) -> None:
        try:
            while message := self._control.receive():
                self._handle(message)
        except (EOFError, OSError, WrongFrameError):
            pass
        finally:
            self._ended()

    def _handle(self, message: FromTemplate) -> None:
        match message:
            case Importing(module):
                self._importing = module
            case Prepared():
                self._is_ready = True
                self._prepared.set()
            case Forked(pid):
                self._slots[pid] = forked = ForkedProcess(pid)
                self._answers.put(forked)
            case NotForked():
                self._answers.put(message)
            case Ended(pid, exit_code) if slot := self._slots.pop(pid, None):
                slot.exit_code = exit_code
                slot.ended.set()

    def _ended(self) -> None:
        """Its slots were killed with it; what they have started became ours."""
        try:
            self._process.wait(_SEND_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._control.close()
        if self._adopts_orphans and not processes.kill_all_children((), _SWEEP_SECONDS):
            log.warning("processes of jobs could not be ended", pids=sorted(processes.children()))
        for slot in self._slots.values():
            slot.ended.set()
        self.has_ended = True
        self._prepared.set()
        self._answers.put(None)

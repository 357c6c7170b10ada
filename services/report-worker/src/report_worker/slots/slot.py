"""A slot, as the worker sees it: a place for one job at a time, with a process that is replaced at need."""

import contextlib
import socket
from collections.abc import Callable

from report_worker.slots.channel import Channel, WrongFrameError
from report_worker.slots.errors import SlotDied, TemplateDied
from report_worker.slots.fork_server import ForkedProcess, ForkServer
from report_worker.slots.output import Output, Sink
from report_worker.slots.processes import exit_in_words
from report_worker.slots.protocol import FROM_SLOT, TO_SLOT, Cancel, FromSlot, Job, Noted, Ready, Stop, ToSlot

NewSink = Callable[[str], Sink]

_START_SECONDS = 60
_SEND_SECONDS = 10
_STOP_SECONDS = 5
_KILL_SECONDS = 10
_DIED_SECONDS = 15
"""Beyond what the worker may need to end what a killed template has left."""


class Slot:
    """One thread at a time uses it. It has no process until `open`."""

    def __init__(self, server: ForkServer, new_output: Callable[[], Output] | None = None) -> None:
        """`new_output`: for each process, where its jobs print to; without it they print to where this
        process does."""
        self._server = server
        self._new_output = new_output
        self._output: Output | None = None
        self._process: ForkedProcess | None = None
        self._channel: Channel[ToSlot, FromSlot] | None = None
        self.jobs = 0
        """That its process has been given."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and not self._process.ended.is_set()

    def open(self) -> None:
        """Gives it a new process, and blocks until that is ready. Raises `SlotDied`."""
        self.kill()
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours, TO_SLOT, FROM_SLOT, _SEND_SECONDS)
        self.jobs = 0
        try:
            with theirs:
                self._output = output = self._new_output() if self._new_output else None
                self._process = self._server.fork(theirs, output)
            if output:
                output.forked()
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def start(self, job: Job, *, fresh: bool = False, sink: NewSink | None = None) -> None:
        """`fresh`: in a process that has had no other job. What `sink` makes for the token of the process
        gets what the job prints, until `end_output` or the end of the process. Raises `SlotDied`."""
        if fresh and self.jobs:
            self.stop()
            self.open()
        self.jobs += 1
        if self._output and sink:
            self._output.attach(sink(self._output.token))
        try:
            self._open_channel().send(job)
        except OSError:
            raise self._died() from None

    def receive(self, timeout: float) -> FromSlot | None:
        """What the slot says next, or None after `timeout` seconds. Raises `SlotDied`, and `TemplateDied`
        where all slots ended."""
        try:
            return self._open_channel().receive(timeout)
        except (EOFError, OSError):
            raise self._died() from None
        except WrongFrameError as error:
            raise SlotDied(f"The process that ran the report broke the protocol of slots: {error}") from None

    def end_output(self) -> None:
        """The job has ended; its sink has all that it has printed when this returns."""
        if self._output:
            self._output.detach()

    def cancel(self) -> None:
        """Asks the job to end before its next step."""
        with contextlib.suppress(OSError):  # its death is for `receive` to tell
            self._open_channel().send(Cancel())

    def note(self) -> None:
        """Lets a job go on that has ended a step with a result."""
        with contextlib.suppress(OSError):  # as above
            self._open_channel().send(Noted())

    def stop(self) -> None:
        """Ends the process: its spans are sent out if that takes no longer than a few seconds. Nothing that
        it has started is left."""
        if self._process and self._channel:
            with contextlib.suppress(OSError):  # it is gone already
                self._channel.send(Stop())
            self._process.ended.wait(_STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the process now, and all that it has started."""
        process, channel, output = self._process, self._channel, self._output
        self._process = self._channel = self._output = None
        if process:
            self._server.end(process, _KILL_SECONDS)
        if channel:
            channel.close()
        if output:
            output.close()

    def _wait_until_ready(self) -> None:
        if not isinstance(self.receive(_START_SECONDS), Ready):
            raise SlotDied(f"A slot's process was not ready after {_START_SECONDS} s.")

    def _open_channel(self) -> Channel[ToSlot, FromSlot]:
        if self._channel is None:
            raise BrokenPipeError
        return self._channel

    def _died(self) -> SlotDied:
        process = self._process
        if process is None or not process.ended.wait(_DIED_SECONDS):
            return SlotDied("The process that ran the report ended.")
        if process.exit_code is None:
            return TemplateDied("The process that all slots are forked from ended, and this slot with it.")
        return SlotDied(f"The process that ran the report {exit_in_words(process.exit_code)}.")

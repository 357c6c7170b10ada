"""The worker's side of the slots."""

import contextlib
import multiprocessing
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

import structlog

from report_worker.slots import child
from report_worker.slots.protocol import Cancel, FromSlot, Job, Ready, Stop
from waybill.errors import RetryableError

log = structlog.get_logger(__name__)

_START_SECONDS = 60
_STOP_SECONDS = 5


class SlotDied(RetryableError):  # noqa: N818 - the name is the sentence
    """The slot's process ended in the middle of a job."""


class Slot:
    """One child process. One thread at a time uses it."""

    def __init__(self, memory_mib: int, log_format: str, log_level: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection: Connection[Any, Any]
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=child.main, args=(theirs, memory_mib, log_format, log_level), name="slot", daemon=True
        )
        self._process.start()
        theirs.close()
        self.jobs = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wait_until_ready(self) -> None:
        """Blocks while the process starts. Raises `SlotDied`."""
        if not isinstance(self._received(_START_SECONDS), Ready):
            raise SlotDied(f"A slot's process was not ready after {_START_SECONDS} s.")

    def start(self, job: Job) -> None:
        """Raises `SlotDied`."""
        self.jobs += 1
        try:
            self._connection.send(job)
        except (EOFError, OSError):
            raise self._died() from None

    def receive(self, timeout: float) -> FromSlot | None:
        """What the slot says next, or None after `timeout` seconds. Raises `SlotDied`."""
        received: FromSlot | None = self._received(timeout)
        return received

    def cancel(self) -> None:
        """Asks the job to end before its next step."""
        with contextlib.suppress(OSError):  # its death is for `receive` to tell
            self._connection.send(Cancel())

    def stop(self) -> None:
        """Ends the process: its spans are sent out if that takes no longer than a few seconds."""
        with contextlib.suppress(OSError):  # it is gone already
            self._connection.send(Stop())
        self._process.join(_STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the process now."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _received(self, timeout: float) -> Any:
        try:
            return self._connection.recv() if self._connection.poll(timeout) else None
        except (EOFError, OSError):
            raise self._died() from None

    def _died(self) -> SlotDied:
        self._process.join(1)
        return SlotDied(f"The process that ran the report ended with exit code {self._process.exitcode}.")


class SlotPool:
    """A fixed number of slots, made before they are needed, so that an attempt need not wait for one."""

    def __init__(
        self, size: int, jobs_per_slot: int, memory_mib: int, log_format: str, log_level: str
    ) -> None:
        self._jobs_per_slot = jobs_per_slot
        self._options = (memory_mib, log_format, log_level)
        self._lock = threading.Condition()
        self._free: deque[Slot] = deque()
        self._starting: set[Slot] = set()
        self._missing = 0
        self._closed = False
        for _ in range(size):
            self._make()

    @property
    def free(self) -> int:
        """How many slots are free."""
        return len(self._free)

    def wait_for_free(self, seconds: float) -> bool:
        """Whether a slot is free, at once or within the time. One that has died meanwhile is replaced."""
        self._replace_the_dead()
        with self._lock:
            return self._lock.wait_for(lambda: bool(self._free), seconds)

    @property
    def missing(self) -> int:
        """How many slots could not be replaced."""
        return self._missing

    def take(self) -> Slot:
        """A free slot; the caller has seen that there is one."""
        with self._lock:
            return self._free.popleft()

    def give_back(self, slot: Slot, *, usable: bool) -> None:
        """Makes a new one in its place where it was stopped, died, or has done its share of jobs."""
        if not usable:
            slot.kill()
        elif slot.jobs >= self._jobs_per_slot:
            slot.stop()
        else:
            self._add_free(slot)
            return
        self._make()

    def close(self) -> None:
        """Ends every slot that is free or starts."""
        with self._lock:
            self._closed = True
            free, starting = list(self._free), list(self._starting)
            self._free.clear()
        for slot in free:
            slot.stop()
        for slot in starting:
            slot.kill()

    def _replace_the_dead(self) -> None:
        with self._lock:
            dead = [slot for slot in self._free if not slot.is_alive]
            for slot in dead:
                self._free.remove(slot)
        for slot in dead:
            log.warning("idle slot process died: replacing it", pid=slot.pid)
            self.give_back(slot, usable=False)

    def _make(self) -> None:
        """Begins a slot. It is free once it is ready: a report that waited for it would have no heartbeat."""
        try:
            slot = Slot(*self._options)
            with self._lock:
                self._starting.add(slot)
            threading.Thread(target=self._await, args=(slot,), name="slot-start", daemon=True).start()
        except (OSError, RuntimeError):  # no more processes, or no more threads
            log.exception("slot not replaced: no process or thread could be created; restart the worker")
            self._missing += 1

    def _await(self, slot: Slot) -> None:
        try:
            slot.wait_until_ready()
        except SlotDied as error:
            self._failed_to_start(slot, error)
            return
        with self._lock:
            self._starting.discard(slot)
            if not self._closed:
                self._add_free(slot)

    def _add_free(self, slot: Slot) -> None:
        with self._lock:
            self._free.append(slot)
            self._lock.notify()

    def _failed_to_start(self, slot: Slot, error: SlotDied) -> None:
        with self._lock:
            self._starting.discard(slot)
            if self._closed:
                return
            self._missing += 1
        log.error("slot did not start: the worker has one slot fewer; restart the worker", reason=str(error))
        slot.kill()

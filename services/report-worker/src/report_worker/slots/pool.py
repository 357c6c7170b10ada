"""The slots of one worker."""

import threading
from collections import deque

import structlog

from report_worker.slots.errors import SlotDied
from report_worker.slots.fork_server import ForkServer
from report_worker.slots.slot import Slot

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 5.0


class SlotPool:
    """A fixed number of slots, opened before they are needed, so that an attempt need not wait for one."""

    def __init__(self, size: int, jobs_per_process: int, server: ForkServer) -> None:
        """`jobs_per_process`: after this number a process is replaced; 0: not for their number."""
        self._jobs_per_process = jobs_per_process
        self._server = server
        self._lock = threading.Condition()
        self._free: deque[Slot] = deque()
        self._missing = 0
        self._closed = threading.Event()
        for _ in range(size):
            self._open(Slot(server))

    @property
    def free(self) -> int:
        """How many slots are free."""
        return len(self._free)

    @property
    def missing(self) -> int:
        """How many slots could not be opened, and are being tried again."""
        return self._missing

    def wait_for_free(self, seconds: float) -> bool:
        """Whether a slot is free, at once or within the time. One that has died meanwhile is opened again."""
        self._open_the_dead()
        with self._lock:
            return self._lock.wait_for(lambda: bool(self._free), seconds)

    def take(self) -> Slot:
        """A free slot; the caller has seen that there is one."""
        with self._lock:
            return self._free.popleft()

    def give_back(self, slot: Slot, *, usable: bool) -> None:
        """Opens it again if it was stopped, has died, or has done its share of jobs."""
        if not usable:
            slot.kill()
        elif 0 < self._jobs_per_process <= slot.jobs:
            slot.stop()
        else:
            self._add_free(slot)
            return
        self._open(slot)

    def close(self) -> None:
        """Ends every slot that is free or being opened."""
        self._closed.set()
        with self._lock:
            free = list(self._free)
            self._free.clear()
        for slot in free:
            slot.stop()
        self._server.close()

    def _open_the_dead(self) -> None:
        with self._lock:
            dead = [slot for slot in self._free if not slot.is_alive]
            for slot in dead:
                self._free.remove(slot)
        for slot in dead:
            log.warning("idle slot process died: replacing it", pid=slot.pid)
            self._open(slot)

    def _open(self, slot: Slot) -> None:
        """Begins to. It is free once it is ready: a report that waited for it would have no heartbeat."""
        try:
            threading.Thread(target=self._open_now, args=(slot,), name="slot-open", daemon=True).start()
        except RuntimeError:  # no more threads
            log.exception("slot not opened: no thread could be created; restart the worker")
            self._missing += 1

    def _open_now(self, slot: Slot) -> None:
        tried = False
        while not self._closed.is_set():
            try:
                slot.open()
                break
            except (SlotDied, OSError) as error:
                if not (tried or self._closed.is_set()):
                    log.error("slot not opened: trying again every 5 s", reason=str(error))  # noqa: TRY400
                    self._count_missing(1)
                    tried = True
            self._closed.wait(_PAUSE_SECONDS)
        if tried:
            self._count_missing(-1)
        if self._closed.is_set():
            slot.kill()
        else:
            self._add_free(slot)

    def _count_missing(self, more: int) -> None:
        with self._lock:
            self._missing += more

    def _add_free(self, slot: Slot) -> None:
        with self._lock:
            self._free.append(slot)
            self._lock.notify()

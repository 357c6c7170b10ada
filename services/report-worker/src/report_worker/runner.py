"""Runners: each has a slot, and a thread that keeps it busy."""

import threading
import time
from threading import Event

import structlog

from report_worker.attempt import Attempt, AttemptContext
from report_worker.claims import BegunClaim, Claims
from report_worker.intake import Claimed
from report_worker.slots import ForkServer, Slot, SlotDied

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
"""Between two looks at a slot that waits: its process may have died."""
_PAUSE_SECONDS = 5.0
_JOIN_SECONDS = 10.0


class Runner:
    """Opens its slot before it is needed, since a report that waited for it would have no heartbeat; claims
    the next report as soon as the slot is free; and replaces the slot's process at need."""

    def __init__(self, context: AttemptContext, claims: Claims, slot: Slot, jobs_per_process: int) -> None:
        """`jobs_per_process`: after this number a process is replaced; 0: not for their number."""
        self._context = context
        self._claims = claims
        self._slot = slot
        self._jobs_per_process = jobs_per_process
        self._thread: threading.Thread | None = None
        self._begun: BegunClaim | None = None
        self._stopping = Event()
        self.is_missing = False
        """Whether its slot could not be opened; if it can be tried again, it is."""
        self.is_opening = False

    def start(self, name: str, stopping: Event) -> None:
        """Until `stopping`, and the end of the report that runs then. Does not block."""
        self._stopping = stopping
        thread = threading.Thread(target=self._run, name=name)
        try:
            thread.start()
        except RuntimeError:  # no more threads
            log.exception("slot not opened: no thread could be created; restart the worker")
            self.is_missing = True
        else:
            self._thread = thread

    def join(self, seconds: float) -> None:
        """Until its thread has ended, which stops its slot; for the time at most."""
        if self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._is_open():
                    self._run_next()
        except Exception:
            log.exception("runner ended by an unexpected error: restart the worker")
            self.is_missing = True
        self._slot.stop()

    def _is_open(self) -> bool:
        """Opens the slot where it was stopped or has died; False where that failed."""
        if self._slot.is_alive:
            return True
        if self._slot.pid is not None:
            log.warning("idle slot process died: replacing it", pid=self._slot.pid)
        self.is_opening = True
        try:
            self._slot.open()
        except (SlotDied, OSError, RuntimeError) as error:  # the last one if there are no more threads
            if not (self.is_missing or self._stopping.is_set()):
                log.error("slot not opened: trying again every 5 s", reason=str(error))  # noqa: TRY400
                self.is_missing = True
            self._stopping.wait(_PAUSE_SECONDS)
            return False
        finally:
            self.is_opening = False
        self.is_missing = False
        return True

    def _run_next(self) -> None:
        """The next report, if one comes soon; and those that are claimed with the end of the one before."""
        claimed = self._claims.next(_LOOK_SECONDS, self._slot_is_alive)
        while claimed is not None:
            self._is_open()  # it may have died since; if it cannot be opened, the attempt fails
            self._attempt(claimed)
            if self._has_done_its_share():
                self._slot.stop()
            begun, self._begun = self._begun, None
            claimed = None if begun is None else self._claims.finish(begun)

    def _attempt(self, claimed: Claimed) -> None:
        try:
            Attempt(self._context, claimed, self._slot, self._begin_next).run()
        except Exception:
            log.exception("attempt failed: its slot gets another process", report_id=str(claimed.report.id))
            self._slot.kill()
        finally:
            self._claims.ended()

    def _begin_next(self) -> None:
        """The claim goes to the database together with the end of the attempt. Nothing is claimed for a slot
        that has to be replaced first: its report would have no heartbeat meanwhile."""
        if not (self._stopping.is_set() or self._has_done_its_share()):
            self._begun = self._claims.begin(0, self._slot_is_alive)

    def _slot_is_alive(self) -> bool:
        """Also one that waits may die."""
        return self._slot.is_alive

    def _has_done_its_share(self) -> bool:
        return 0 < self._jobs_per_process <= self._slot.jobs


class Runners:
    """Of one worker."""

    def __init__(
        self, context: AttemptContext, claims: Claims, server: ForkServer, slots: int, jobs_per_process: int
    ) -> None:
        """As `Runner`; `slots` of them."""
        self._server = server
        new_output = context.output.new_output if context.output else None
        self._runners = [
            Runner(context, claims, Slot(server, new_output), jobs_per_process) for _ in range(slots)
        ]

    @property
    def missing(self) -> int:
        """How many slots could not be opened."""
        return sum(runner.is_missing for runner in self._runners)

    def start(self, stopping: Event) -> None:
        for number, runner in enumerate(self._runners):
            runner.start(f"runner-{number}", stopping)

    def close(self) -> None:
        """Ends every slot. After `stopping`, and once no report runs any more."""
        deadline = time.monotonic() + _JOIN_SECONDS
        for runner in self._runners:
            if not runner.is_opening:  # which the server's end ends
                runner.join(max(0.0, deadline - time.monotonic()))
        self._server.close()
        for runner in self._runners:
            runner.join(max(0.0, deadline - time.monotonic()))

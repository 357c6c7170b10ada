"""A task that a process repeats in a thread of its own."""

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from waybill.errors import RetryableError

log = structlog.get_logger(__name__)


class PeriodicTask:
    """Calls `action` every `interval`, the first time after one interval; failures are logged, and the next
    turn comes as usual."""

    def __init__(self, name: str, interval: timedelta, action: Callable[[], object]) -> None:
        self._name = name
        self._interval = interval
        self._action = action
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def stopping(self) -> bool:
        """For a long action, which should end soon then."""
        return self._stopping.is_set()

    def start(self) -> None:
        self._thread.start()

    def soon(self) -> None:
        """The next turn begins at once. Does not wait."""
        self._wake.set()

    def request_stop(self) -> None:
        """No further turn begins. Does not wait."""
        self._stopping.set()
        self._wake.set()

    def stop(self, timeout: float = 5.0) -> None:
        """Waits for the turn that runs, for at most `timeout` seconds."""
        self.request_stop()
        if self._thread.is_alive():
            self._thread.join(max(0.0, timeout))

    def _run(self) -> None:
        while True:
            self._wake.wait(self._interval.total_seconds())
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                self._action()
            except RetryableError as error:
                log.warning(
                    "periodic task failed: trying again at the next interval",
                    task=self._name,
                    reason=str(error),
                )
            except Exception:
                log.exception("periodic task failed; trying again", task=self._name)

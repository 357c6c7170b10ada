"""The one thread that reads what all jobs of a worker print."""

import os
import select
import threading
import time
from contextlib import suppress

import structlog

from report_worker.slots import Output

log = structlog.get_logger(__name__)

_REST_SECONDS = 0.02
"""Between two reads: what comes meanwhile shares the next one."""
_BUSY_SECONDS = 0.003
"""Where a job has filled its pipe to `_BUSY_BYTES`."""
_BUSY_BYTES = 32 * 1024
_JOIN_SECONDS = 5.0


class OutputReader:
    """Waits for what jobs print, however long there is nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outputs: set[Output] = set()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job output", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the last job."""
        self._stopping.set()
        self._rouse()
        if self._thread.is_alive():
            self._thread.join(_JOIN_SECONDS)

    def open(self) -> Output:
        """For one process. Raises `OSError`."""
        output = Output(self._forget)
        with self._lock:
            self._outputs.add(output)
        self._rouse()
        return output

    def _forget(self, output: Output) -> None:
        with self._lock:
            self._outputs.discard(output)
        self._rouse()

    def _rouse(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._wake, b"1")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                most = self._read()
            except Exception:
                log.exception("output of jobs is not read: trying again")
                most = 0
            time.sleep(_BUSY_SECONDS if most >= _BUSY_BYTES else _REST_SECONDS)

    def _read(self) -> int:
        """Waits; the most that a job had printed to one of its streams."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        with self._lock:
            files = {file: output for output in self._outputs for file in output.reads.values()}
        for file in files:
            poll.register(file, select.POLLIN)
        ready = [file for file, _ in poll.poll()]
        if self._woken in ready:
            os.read(self._woken, 4096)
        found = {files[file] for file in ready if file in files}
        return max((output.read() for output in found), default=0)

"""Reads choices that come from queries, for the forms that clients look at: one worker at a time does."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from waybill.ledger import ChoiceLists
from waybill.periodic import PeriodicTask
from waybill.store import TaskLease

log = structlog.get_logger(__name__)

_SECONDS: Final = 90.0
"""For all queries of a definition, each of which has a minute."""
_MOST_BYTES: Final = 1_000_000


class ChoiceReader:
    """Looks from time to time for lists that are to be read, each by a process of its own."""

    def __init__(
        self, lists: ChoiceLists, lease: TaskLease, interval: timedelta, environment: Mapping[str, str]
    ) -> None:
        """`environment`: of the process, as of a slot."""
        self._lists = lists
        self._lease = lease
        self._environment = dict(environment)
        self._task = PeriodicTask("choices", interval, self.read_due)

    def start(self) -> None:
        self._task.start()

    def stop(self) -> None:
        """Does not wait for sources: what is read is of no use any more."""
        self._task.stop(0)

    def read_due(self) -> None:
        """Raises `StoreUnavailable`."""
        if not self._lease.hold():
            return
        for digest, text in self._lists.due().items():
            if self._task.stopping:
                return
            self._lists.put(digest, self._read(text))

    def _read(self, text: str) -> str:
        command = (sys.executable, "-m", "report_worker.query.listing")
        try:
            ended = subprocess.run(
                command,
                input=text,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                env=self._environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _failed(f"The sources did not answer within {_SECONDS:.0f} s.")
        if ended.returncode or len(ended.stdout) > _MOST_BYTES:
            log.warning("choices not read", exit_code=ended.returncode, output=ended.stderr[-2000:])
            return _failed("They could not be read: the log of the worker has the reason.")
        return ended.stdout


def _failed(reason: str) -> str:
    """Of all parameters."""
    return json.dumps({"": {"error": reason}})

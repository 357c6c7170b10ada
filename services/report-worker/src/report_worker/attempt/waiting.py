"""Waits for the artefact store while the attempt's lease lasts."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

import stamina

from report_worker.attempt.lease import Lease
from waybill.artefacts import ArtefactStoreUnavailable
from waybill.errors import WaybillError

Result = TypeVar("Result")

_LISTEN_SECONDS = 0.2


class CancelWanted(WaybillError):  # noqa: N818 - the name is the sentence
    """The report is to be cancelled."""


class TookTooLong(WaybillError):  # noqa: N818 - the name is the sentence
    """The store has not answered in time."""


class Waiting:
    """Of one attempt. A call that does not return is given up, with the thread that waits for it."""

    def __init__(
        self, lease: Lease, cancel_wanted: Callable[[], bool], meanwhile: Callable[[], None]
    ) -> None:
        """`meanwhile` is called often."""
        self._lease = lease
        self._cancel_wanted = cancel_wanted
        self._meanwhile = meanwhile

    def until(self, deadline: float, call: Future[Result]) -> Result:
        """The call's result, or what it raises. `deadline` on the monotonic clock. Raises `CancelWanted`,
        `TookTooLong`, and what the lease does."""
        while not wait([call], _LISTEN_SECONDS).done:
            self._meanwhile()
            self._lease.renew_if_due()
            if self._cancel_wanted():
                raise CancelWanted
            if time.monotonic() >= deadline:
                raise TookTooLong
        return call.result()


def tried_twice(call: Callable[[], Result]) -> Result:
    """Its result, also where the store was unavailable at first."""
    try:
        return call()
    except ArtefactStoreUnavailable:
        return stamina.RetryingCaller(attempts=2, wait_initial=0.2)(ArtefactStoreUnavailable, call)

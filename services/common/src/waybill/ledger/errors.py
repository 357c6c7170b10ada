"""What can stand in the way of a change; the message of each is a sentence for a person."""

from waybill.domain import Fence, Reached
from waybill.errors import WaybillError


class LeaseLost(WaybillError):  # noqa: N818 - the name is the sentence
    """The attempt is no longer this worker's: every further write of it is refused."""

    def __init__(self, fence: Fence) -> None:
        super().__init__(f"Attempt {fence.attempt} at report {fence.report_id} has lost its lease.")


class KeyReused(WaybillError):  # noqa: N818 - the name is the sentence
    """The idempotency key belongs to another request."""


class KeyInFlight(WaybillError):  # noqa: N818 - the name is the sentence
    """A request with the same idempotency key is under way."""


class LimitReached(WaybillError):  # noqa: N818 - the name is the sentence
    """A limit of the owner, or of its tenant, leaves no room for the request. Nothing is stored of it."""

    def __init__(self, reached: Reached) -> None:
        super().__init__(str(reached))
        self.reached = reached


class NotRedrivable(WaybillError):  # noqa: N818 - the name is the sentence
    """The report has not failed, or the message still cannot be read."""

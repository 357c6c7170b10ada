"""What goes wrong with slots."""

from waybill.errors import RetryableError


class SlotDied(RetryableError):  # noqa: N818 - the name is the sentence
    """The slot's process ended in the middle of a job, or could not be started."""

"""What goes wrong with slots."""

from waybill.errors import RetryableError


class SlotDied(RetryableError):  # noqa: N818 - the name is the sentence
    """The slot's process ended in the middle of a job, or could not be started."""


class TemplateDied(SlotDied):
    """The template ended in the middle of a job, and all slots with it: the job of any of them may be why."""

"""Errors whose message is a sentence that a user can act on."""


class WaybillError(Exception):
    """Base of every error that Waybill raises on purpose."""


class RetryableError(WaybillError):
    """The work may succeed later: a related service is down, a time-out."""


class PermanentError(WaybillError):
    """The work will never succeed as requested: no such data, parameters that contradict each other."""

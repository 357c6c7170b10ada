"""Texts of a job that everybody can keep: the database, Kafka and the trace.

Secrets that an exception quotes, such as the token in an address, are redacted.
"""

import traceback

from waybill.redaction import redacted

_MESSAGE_CHARACTERS = 2000
_STACK_CHARACTERS = 20_000


def type_of(error: BaseException) -> str:
    """The name of its class, with its module if that is not Python's own, as OpenTelemetry names it."""
    kind = type(error)
    module = kind.__module__
    return shortened(kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}")


def message_of(error: BaseException) -> str:
    """What `error` says, or at least what it is; short enough for a status event to fit into a message."""
    name = type(error).__qualname__
    try:
        return shortened(str(error)) or name
    except BaseException:  # an exception's own code failed
        return f"{name} (its message cannot be read)"


def stack_of(error: BaseException) -> str:
    """The end of its traceback, which names the place."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException:
        text = "".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__
    return storable(redacted(text[-2 * _STACK_CHARACTERS :])[-_STACK_CHARACTERS:])


def shortened(text: str, most: int = _MESSAGE_CHARACTERS) -> str:
    """The beginning of `text`, storable and without secrets."""
    text = redacted(text[: 2 * most])
    return storable(text if len(text) <= most else f"{text[: most - 1]}…")


def storable(text: str) -> str:
    """With escapes for what PostgreSQL does not take, U+0000, and what is no Unicode text, half a surrogate
    pair."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()

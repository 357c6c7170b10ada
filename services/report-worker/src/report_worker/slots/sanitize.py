"""Texts of a job that everybody can keep: the database, Kafka and the trace.

Secrets that an exception quotes, such as the token in an address, are redacted.
"""

import traceback
from collections.abc import Callable

from waybill.redaction import redacted

_MESSAGE_CHARACTERS = 2000
_STACK_CHARACTERS = 20_000


def type_of(error: BaseException) -> str:
    """The name of its class, with its module if that is not Python's own, as OpenTelemetry names it."""
    name = name_of(error)
    module = _read(lambda: type(error).__module__, "builtins")
    return name if module == "builtins" else shortened(f"{module}.{name}")


def name_of(error: BaseException) -> str:
    """The name of its class alone."""
    return _read(lambda: shortened(type(error).__qualname__), "exception")


def message_of(error: BaseException) -> str:
    """What `error` says, or at least what it is; short enough for a status event to fit into a message."""
    name = name_of(error)
    return _read(lambda: shortened(str(error)) or name, f"{name} (its message cannot be read)")


def stack_of(error: BaseException) -> str:
    """The end of its traceback, which names the place."""
    place = _read(lambda: "".join(traceback.format_tb(error.__traceback__)), "") + name_of(error)
    text = _read(lambda: "".join(traceback.format_exception(error)), place)
    return storable(redacted(text[-2 * _STACK_CHARACTERS :]))[-_STACK_CHARACTERS:]


def _read(text: Callable[[], str], otherwise: str) -> str:
    """An exception, its class and its class's class may have code of their own, which may fail."""
    try:
        return text()
    except BaseException:
        return otherwise


def shortened(text: str, most: int = _MESSAGE_CHARACTERS) -> str:
    """The beginning of `text`, storable and without secrets."""
    text = storable(redacted(text[: 2 * most]))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def storable(text: str) -> str:
    """With escapes for what PostgreSQL does not take, U+0000, and what is no Unicode text, half a surrogate
    pair."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()

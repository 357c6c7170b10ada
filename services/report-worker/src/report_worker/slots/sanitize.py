"""Texts of a job that everybody can keep: the database, Kafka and the trace."""

import traceback

_MESSAGE_CHARACTERS = 2000
_STACK_CHARACTERS = 20_000


def message_of(error: BaseException) -> str:
    """What `error` says, or at least what it is; short enough for a status event to fit into a message."""
    return shortened(str(error)) or type(error).__qualname__


def stack_of(error: BaseException) -> str:
    """The end of its traceback, which names the place."""
    return storable("".join(traceback.format_exception(error))[-_STACK_CHARACTERS:])


def shortened(text: str, most: int = _MESSAGE_CHARACTERS) -> str:
    """The beginning of `text`, storable."""
    return storable(text if len(text) <= most else f"{text[: most - 1]}…")


def storable(text: str) -> str:
    """With escapes for what PostgreSQL does not take, U+0000, and what is no Unicode text, half a surrogate
    pair."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()

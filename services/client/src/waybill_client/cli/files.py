"""Files that a command writes where it was asked to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waybill_client.errors import ClientError


class NotWrittenError(ClientError):
    """A file could not be written."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises `NotWrittenError` for what the operating system refuses inside."""
    try:
        yield
    except OSError as error:
        raise NotWrittenError(f"Cannot write {path}: {error.strerror or error}.") from error

"""Where artefacts are kept: a folder, S3, Google Cloud Storage or Azure, by URL."""

import hashlib
import os
from collections.abc import Iterator
from typing import BinaryIO
from uuid import UUID

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url

from waybill.domain import StoredArtefact
from waybill.errors import RetryableError, WaybillError
from waybill.kinds import Artefact

_CHUNK = 1024 * 1024


class ArtefactMissing(WaybillError):  # noqa: N818 - the name is the sentence
    """The row points to a file that is not there."""


class ArtefactStoreUnavailable(RetryableError):  # noqa: N818 - the name is the sentence
    """The files cannot be written or read now."""


class ArtefactStore:
    """Files by key. A key holds the attempt, so no attempt can replace another's file."""

    def __init__(self, url: str) -> None:
        """`url` as `file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…`; credentials as each
        service's own variables say. A folder is made where it is missing."""
        folder = url.startswith("file:")
        self._store = from_url(url, mkdir=True, automatic_cleanup=True) if folder else from_url(url)

    def put(self, report_id: UUID, attempt: int, artefact: Artefact, file: BinaryIO) -> StoredArtefact:
        """Writes the file whole or not at all, from its beginning. Checksum and size are those of the
        bytes that were stored, whatever happens to the file meanwhile. Raises `ArtefactStoreUnavailable`."""
        key = f"reports/{report_id}/{attempt}/{artefact.filename}"
        counted = _Counted(file)
        try:
            file.seek(0)
            small = os.fstat(file.fileno()).st_size <= _CHUNK
            obstore.put(self._store, key, b"".join(counted) if small else counted)
        except (BaseError, OSError) as error:
            raise ArtefactStoreUnavailable(f"The artefact cannot be written: {_first_line(error)}") from error
        return StoredArtefact(key, artefact.filename, artefact.media_type, counted.size, counted.sha256)

    def remove_all(self, report_id: UUID, last_attempt: int) -> None:
        """The files of every attempt up to the last one, also of lost ones; not those of an attempt that has
        begun since. Raises `ArtefactStoreUnavailable`."""
        prefix = f"reports/{report_id}/"
        try:
            for batch in obstore.list(self._store, prefix=prefix):
                paths = [entry["path"] for entry in batch]
                obstore.delete(self._store, [one for one in paths if _attempt(one, prefix) <= last_attempt])
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise ArtefactStoreUnavailable(f"Artefacts cannot be removed: {_first_line(error)}") from error

    def open(self, artefact: StoredArtefact) -> Iterator[bytes]:
        """The file's bytes in chunks. Raises `ArtefactMissing` or `ArtefactStoreUnavailable`, at once."""
        try:
            found = obstore.get(self._store, artefact.key)
        except (NotFoundError, FileNotFoundError) as error:
            raise ArtefactMissing(f"The file of this report is not there: {artefact.key}.") from error
        except (BaseError, OSError) as error:
            raise ArtefactStoreUnavailable(f"The artefact cannot be read: {_first_line(error)}") from error
        return (bytes(chunk) for chunk in found.stream(min_chunk_size=_CHUNK))


class _Counted(Iterator[bytes]):
    """A file's bytes in chunks, with the size and the checksum of those that were read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def __next__(self) -> bytes:
        if not (chunk := self._file.read(_CHUNK)):
            raise StopIteration
        self._digest.update(chunk)
        self.size += len(chunk)
        return chunk

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _attempt(path: str, prefix: str) -> int:
    return int(path.partition(prefix)[2].partition("/")[0])


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

"""Files by key, in whatever keeps them."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias
from uuid import UUID

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, S3Store

from waybill.artefacts.errors import (
    ArtefactMissing,
    ArtefactStoreUnavailable,
    DamagedFile,
    ReadingStopped,
)
from waybill.artefacts.opening import REMOTE, check_store, open_store, reason_of
from waybill.domain import StoredArtefact, StoredFile
from waybill.file_headers import (
    Disposition,
    content_disposition,
    disposition_elsewhere,
    is_the_same_elsewhere,
)
from waybill.kinds import Artefact

log = structlog.get_logger(__name__)

if TYPE_CHECKING:  # obstore has it for type checkers alone
    from obstore import Attributes
    from obstore.store import RetryConfig

Kept: TypeAlias = StoredArtefact | StoredFile

_CHUNK = 1024 * 1024
_STEPS = "steps"
"""The folder of an attempt's results of steps."""
_REMOTE_CHUNK = 4 * 1024 * 1024
"""Of a file in an object store, for each question: one connection would end while a slow client reads."""
_WHILE_A_CLIENT_WAITS: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}


class ArtefactStore:
    """Files by key. A key begins with the tenant, and holds the attempt, so no attempt can replace another's
    file. Those of earlier versions begin with `reports/`. What steps have left for later attempts is beside
    the artefacts, in a folder of its own."""

    def __init__(self, url: str) -> None:
        """`url` as `file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…`; credentials as each
        service's own variables say. A folder is made where it is missing. Raises `WrongArtefactUrl`."""
        self._store = open_store(url)
        self._reading = open_store(url, _WHILE_A_CLIENT_WAITS) if self.is_remote else self._store

    @property
    def is_remote(self) -> bool:
        """Whether it is an object store, which other hosts can reach too."""
        return isinstance(self._store, tuple(REMOTE))

    def check(self, limit: timedelta = timedelta(seconds=3)) -> None:
        """Asks the store, for `limit` at most. Raises `WrongArtefactUrl` where it can keep no file as it is
        configured, and `ArtefactStoreUnavailable` where that is not known now."""
        check_store(self._store, limit)

    def put(
        self, tenant: str, report_id: UUID, attempt: int, artefact: Artefact, file: BinaryIO
    ) -> StoredArtefact:
        """Writes the file whole or not at all, from its beginning. Checksum and size are those of the
        bytes that were stored, whatever happens to the file meanwhile. Raises `ArtefactStoreUnavailable`."""
        # In a folder, nothing can have the name of the one with the results of steps.
        place = f"artefact/{_STEPS}" if artefact.filename == _STEPS else artefact.filename
        key = f"{tenant}/reports/{report_id}/{attempt}/{place}"
        attributes = _attributes(artefact) if self.is_remote else None
        counted = self._write(key, file, "The artefact", attributes)
        size, sha256 = counted.size, counted.sha256
        return StoredArtefact(key, artefact.filename, artefact.media_type, size, sha256, artefact.output)

    def put_of_step(
        self, tenant: str, report_id: UUID, attempt: int, step: str, path: str, file: BinaryIO
    ) -> StoredFile:
        """As `put`, of what a step has left for later attempts, at `path` in the attempt's directory."""
        name = hashlib.sha256(step.encode()).hexdigest()[:32]
        key = f"{tenant}/reports/{report_id}/{attempt}/{_STEPS}/{name}"
        counted = self._write(key, file, "The result of a step")
        return StoredFile(key, path, counted.size, counted.sha256)

    def _write(
        self, key: str, file: BinaryIO, what: str, attributes: "Attributes | None" = None
    ) -> "_Counted":
        counted = _Counted(file)
        try:
            file.seek(0)
            small = os.fstat(file.fileno()).st_size <= _CHUNK
            obstore.put(self._store, key, b"".join(counted) if small else counted, attributes=attributes)
        except (BaseError, OSError) as error:
            raise ArtefactStoreUnavailable(f"{what} cannot be written: {reason_of(error)}") from error
        return counted

    def remove_all(self, tenant: str, report_id: UUID, last_attempt: int) -> None:
        """The files of every attempt up to the last one, also of lost ones; not those of an attempt that has
        begun since. Raises `ArtefactStoreUnavailable`."""
        for prefix in (f"{tenant}/reports/{report_id}/", f"reports/{report_id}/"):
            self._remove(prefix, partial(_is_of_attempt_up_to, last_attempt, prefix))

    def remove_of_steps(self, tenant: str, report_id: UUID) -> None:
        """What the steps of every attempt have left. Raises `ArtefactStoreUnavailable`."""
        prefix = f"{tenant}/reports/{report_id}/"
        self._remove(prefix, lambda path: path.partition(prefix)[2].split("/")[1:2] == [_STEPS])

    def _remove(self, prefix: str, is_meant: Callable[[str], bool]) -> None:
        try:
            for batch in obstore.list(self._store, prefix=prefix):
                obstore.delete(self._store, [one["path"] for one in batch if is_meant(one["path"])])
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise ArtefactStoreUnavailable(f"Artefacts cannot be removed: {reason_of(error)}") from error

    def read_into(self, target: BinaryIO, file: StoredFile, stop: threading.Event) -> None:
        """Writes the whole file to `target`, in chunks. Raises `ArtefactMissing`, or `DamagedFile` where it
        is another one; `ArtefactStoreUnavailable`; `ReadingStopped` soon after `stop`; and what `target`
        raises."""
        found = hashlib.sha256()
        chunks = self.open(file)
        while not stop.is_set():
            try:
                chunk = next(chunks, None)
            except (BaseError, OSError) as error:
                raise ArtefactStoreUnavailable(f"A file cannot be read: {reason_of(error)}") from error
            if chunk is None:
                if found.hexdigest() != file.sha256:
                    raise DamagedFile(f"The file {file.key} has another checksum than when it was stored.")
                return
            found.update(chunk)
            target.write(chunk)
        raise ReadingStopped

    def open(self, artefact: Kept, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The file's bytes from `start` on, up to and without `end`, in chunks; the two must be in the file.
        Raises `ArtefactMissing` or `ArtefactStoreUnavailable`, at once."""
        end = artefact.size if end is None else end
        if start >= end:
            self.require(artefact)
            return iter(())
        if self.is_remote:
            return self._parts(artefact, start, end)
        with _reading(artefact):
            found = obstore.get(self._reading, artefact.key, options={"range": (start, end)})
        return (bytes(chunk) for chunk in found.stream(min_chunk_size=_CHUNK))

    def require(self, artefact: Kept) -> None:
        """Asks whether the file is there. Raises `ArtefactMissing` or `ArtefactStoreUnavailable`."""
        with _reading(artefact):
            obstore.head(self._reading, artefact.key)

    def address(
        self,
        artefact: StoredArtefact,
        method: Literal["GET", "HEAD"],
        shown: Disposition,
        lifetime: timedelta,
    ) -> str | None:
        """Where anyone gets the file from the object store itself, for `lifetime`: a credential. None where
        that gives a browser something else than `shown` asks for: the store signs no request for other
        headers than those that the file was stored with, and versions before this one stored none. Also
        where its credentials cannot sign, which is logged. Raises `ArtefactMissing` or
        `ArtefactStoreUnavailable`."""
        store = self._reading
        if not isinstance(store, (S3Store, GCSStore, AzureStore)):
            return None
        if not is_the_same_elsewhere(artefact.media_type, shown):
            return None
        with _reading(artefact):
            found = obstore.get(store, artefact.key, options={"head": True})
        if not _attributes(artefact).items() <= found.attributes.items():
            return None
        try:
            return obstore.sign(store, method, artefact.key, lifetime)
        except (BaseError, OSError) as error:
            log.warning(
                "no address of an artefact can be signed: the API streams it", reason=reason_of(error)
            )
            return None

    def _parts(self, artefact: Kept, start: int, end: int) -> Iterator[bytes]:
        first = self._part(artefact, start, min(end, start + _REMOTE_CHUNK))

        def parts() -> Iterator[bytes]:
            yield first
            for at in range(start + _REMOTE_CHUNK, end, _REMOTE_CHUNK):
                yield self._part(artefact, at, min(end, at + _REMOTE_CHUNK))

        return parts()

    def _part(self, artefact: Kept, start: int, end: int) -> bytes:
        with _reading(artefact):
            return bytes(obstore.get_range(self._reading, artefact.key, start=start, end=end))


@contextmanager
def _reading(artefact: Kept) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise ArtefactMissing(f"The file of this report is not there: {artefact.key}.") from error
    except (BaseError, OSError) as error:
        raise ArtefactStoreUnavailable(f"The artefact cannot be read: {reason_of(error)}") from error


def _attributes(artefact: Artefact | StoredArtefact) -> "Attributes":
    """What a browser reads that gets the file from an object store."""
    shown = disposition_elsewhere(artefact.media_type)
    return {
        "Content-Type": artefact.media_type,
        "Content-Disposition": content_disposition(shown, artefact.filename),
    }


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


def _is_of_attempt_up_to(last: int, prefix: str, path: str) -> bool:
    return int(path.partition(prefix)[2].partition("/")[0]) <= last

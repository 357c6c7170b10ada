"""The definitions in a folder, read again when their files change."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from waybill.definitions.faults import Fault, WrongDefinition
from waybill.definitions.kind import PREFIX, DefinedKind, read_file
from waybill.kinds import BrokenKind, Kind, Registry
from waybill.kinds.checks import fault_of

log = structlog.get_logger(__name__)

ENDINGS = (".yaml", ".yml")
_LOOK_SECONDS = 1.0
"""Between two looks at the folder."""
_MAX_FILES = 1000

_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Definitions:
    """What a folder has: kinds, and those that cannot be used, with the reason."""

    kinds: dict[str, DefinedKind]
    broken: tuple[BrokenKind, ...]


class DefinitionFolder:
    """Thread-safe. Who asks for the definitions looks at the folder, once a second at most. Of a file that
    was right and no longer is, the definition before it stays in use."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._looked_at = -_LOOK_SECONDS
        self._good: dict[str, DefinedKind] = {}
        self._current = Definitions({}, ())

    @property
    def current(self) -> Definitions:
        """As the files are now, or were a second ago."""
        if self._clock() - self._looked_at >= _LOOK_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._current

    def _look(self) -> None:
        self._looked_at = self._clock()
        try:
            stamp = _stamp(self._folder)
        except OSError as error:
            if self._stamp is None:
                reason = f"the folder {self._folder} cannot be read: {error.strerror}."
                self._publish(Definitions({}, (BrokenKind(f"{PREFIX}*", reason),)))
                self._stamp = ()
            return
        if stamp != self._stamp:
            self._stamp = stamp
            self._publish(self._read([name for name, *_ in stamp]))

    def _read(self, names: list[str]) -> Definitions:
        found: dict[str, list[str]] = defaultdict(list)
        good: dict[str, DefinedKind] = {}
        broken: list[BrokenKind] = []
        for name in names[:_MAX_FILES]:
            kind: DefinedKind | None
            try:
                kind = self._kind(name)
            except WrongDefinition as error:
                broken.append(BrokenKind(f"{PREFIX}{Path(name).stem}", str(error)))
                kind = self._good.get(name)
            if kind is not None:
                good[name] = kind
                found[kind.name].append(name)
        self._good = good
        kinds = {}
        for kind_name, files in found.items():
            if len(files) > 1:
                reason = f"{' and '.join(files)} both define it; rename or remove one of them."
                broken.append(BrokenKind(kind_name, reason))
            else:
                kinds[kind_name] = good[files[0]]
        return Definitions(kinds, tuple(broken))

    def _kind(self, name: str) -> DefinedKind:
        kind = read_file(self._folder / name, name)
        before = self._good.get(name)
        if before is not None and before.digest == kind.digest:
            return before
        if fault := fault_of(kind):
            raise WrongDefinition(name, [Fault(1, 1, f"{fault}.")])
        return kind

    def _publish(self, found: Definitions) -> None:
        before, self._current = self._current, found
        for one in found.broken:
            if one not in before.broken:
                log.error("definition cannot be used", kind=one.name, reason=one.reason)
        for name, kind in found.kinds.items():
            if before.kinds.get(name) != kind:
                log.info("definition read", kind=name, digest=kind.digest)
        for name in before.kinds.keys() - found.kinds.keys():
            log.info("definition removed", kind=name)


class DefinedKinds(Registry):
    """The installed kinds and those of a folder, as they are now."""

    def __init__(self, installed: Registry, folder: DefinitionFolder) -> None:
        super().__init__(installed, installed.broken)
        self._folder = folder

    @property
    def broken(self) -> tuple[BrokenKind, ...]:
        return (*self._broken, *self._folder.current.broken)

    def _all(self) -> Mapping[str, Kind]:
        return {**super()._all(), **dict(sorted(self._folder.current.kinds.items()))}


def _stamp(folder: Path) -> _Stamp:
    """What changes where a file does: a ConfigMap's files are links, of which the target changes."""
    return tuple(sorted(_entries(folder)))


def _entries(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(ENDINGS) and not entry.name.startswith("."):
                try:
                    found = entry.stat()
                except OSError:  # reading it says why
                    yield entry.name, 0, 0, 0
                else:
                    yield entry.name, found.st_ino, found.st_mtime_ns, found.st_size

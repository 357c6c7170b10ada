"""The state of a slot's process that one job could leave to the next."""

import decimal
import fcntl
import gc
import locale
import logging
import os
import resource
import signal
import socket
import stat
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress

from report_worker.slots.proc import entries, read_bytes
from report_worker.slots.processes import children, reap

_MAX_MEMORY = 1 / 2
"""Of what a job may take: a slot that still holds that much after one gets no other, for which it would be
missing. Another process costs less."""


_MAX_FILES = 1 / 2
"""Of those that a process may have open, likewise."""

_PAGE_BYTES = resource.getpagesize()
_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
_SIGNALS = sorted(map(int, signal.valid_signals()))


class ProcessState:
    """Its state before the first job, to compare with what it is after each. Every report pays for that, so
    each part is read by as few system calls as it takes."""

    def __init__(self) -> None:
        self._before = _read()
        self._data = data_bytes()

    def left_over(self) -> tuple[str, ...]:
        """The names of what is different now. What only waits to be collected does not count."""
        if not self._changes():
            return ()
        gc.collect()
        return self._changes()

    def _changes(self) -> tuple[str, ...]:
        now = _read()
        different = tuple(name for name, value in now.items() if _differ(value, self._before[name]))
        return (*different, "memory") if self._has_too_little_memory() else different

    def _has_too_little_memory(self) -> bool:
        limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
        more = data_bytes() - self._data
        return limit != resource.RLIM_INFINITY and more > (limit - self._data) * _MAX_MEMORY


def _read() -> dict[str, object]:
    return {name: _value(read) for name, read in _PARTS.items()}


def _value(read: Callable[[], object]) -> object:
    """A job may leave objects whose own code fails."""
    try:
        return read()
    except Exception:
        return "cannot be read"


def _differ(now: object, before: object) -> bool:
    try:
        return now != before
    except Exception:
        return True


def _directory() -> object:
    try:
        found = os.stat(".")  # noqa: PTH116 - by one system call
    except OSError:  # removed
        return None
    return found.st_dev, found.st_ino


def _umask() -> int:
    os.umask(mask := os.umask(0o77))
    return mask


def _signals() -> object:
    return [signal.getsignal(number) for number in _SIGNALS], signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _timers() -> object:
    """Whether any is set."""
    return (
        [signal.getitimer(which)[0] > 0 for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL)],
        signal.getitimer(signal.ITIMER_PROF)[0] > 0,
        bool(read_bytes("/proc/self/timers")),
    )


def _threads() -> object:
    """Python's by their identity; of others, such as a library's, the number."""
    return {thread.ident for thread in threading.enumerate()}, len(entries("/proc/self/task"))


def _children() -> object:
    """Those that run, however they came about: a slot adopts its descendants' orphans."""
    return {pid for pid in children() if reap(pid) is None}


def _streams() -> object:
    files = []
    for number in range(3):
        with suppress(OSError):
            found = os.fstat(number)
            files.append((number, found.st_dev, found.st_ino))
    return files, id(sys.stdin), id(sys.stdout), id(sys.stderr)


def _files() -> object:
    """Those open for writing, which may be locked, or take room after they were removed; and whether there
    are too many of whatever sort. Libraries keep others open: fonts, or telemetry its connection."""
    numbers = [int(name) for name in entries("/proc/self/fd")]
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    written = {one for number in numbers if number > 2 and (one := _written(number))}
    return written, limit != resource.RLIM_INFINITY and len(numbers) > limit * _MAX_FILES


def _written(number: int) -> tuple[int, int, int] | None:
    """Which regular file that is, if it is one and open for writing."""
    try:
        found = os.fstat(number)
        flags = fcntl.fcntl(number, fcntl.F_GETFL)
    except OSError:  # closed meanwhile
        return None
    is_written = stat.S_ISREG(found.st_mode) and flags & os.O_ACCMODE != os.O_RDONLY
    return (number, found.st_dev, found.st_ino) if is_written else None


def _limits() -> object:
    return [resource.getrlimit(limit) for limit in _LIMITS]


def _scheduling() -> object:
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    return os.nice(0), affinity


def _interpreter() -> object:
    return (
        tuple(sys.path),
        sys.getrecursionlimit(),
        sys.excepthook,
        threading.excepthook,
        sys.gettrace(),
        sys.getprofile(),
        socket.getdefaulttimeout(),
        (gc.isenabled(), gc.get_threshold()),
        sys.getswitchinterval(),
        sys.get_int_max_str_digits(),
    )


def _defaults() -> object:
    """Of modules that every job shares."""
    root = logging.getLogger()
    return (
        repr(decimal.getcontext()),
        tuple(map(repr, warnings.filters)),
        (root.level, tuple(root.handlers), root.manager.disable),
        (tuple(sys.meta_path), tuple(sys.path_hooks)),
    )


def data_bytes() -> int:
    """Of this process, about as its limit counts them, what it shares with the template included; 0 if the
    system does not tell."""
    fields = read_bytes("/proc/self/statm").split()
    return int(fields[5]) * _PAGE_BYTES if fields else 0


_PARTS: Mapping[str, Callable[[], object]] = {
    "working directory": _directory,
    "environment": lambda: dict(os.environ),
    "time zone": lambda: (time.tzname, time.timezone),
    "umask": _umask,
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "signal handlers": _signals,
    "timers": _timers,
    "threads": _threads,
    "child processes": _children,
    "standard streams": _streams,
    "open files": _files,
    "resource limits": _limits,
    "scheduling": _scheduling,
    "interpreter settings": _interpreter,
    "module defaults": _defaults,
}

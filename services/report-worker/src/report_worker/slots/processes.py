"""Process trees: what Linux offers so that nothing of a job outlives it.

A job may start processes, and those others; they may leave its process group by `setsid`, or its tree by
forking twice. A subreaper becomes the parent of every orphan below it, so none is lost. Other systems have no
such thing: there a slot's process group is what ends with it.
"""

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from waybill.prctl import PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, prctl

_PAUSE_SECONDS = 0.005


def become_subreaper() -> None:
    """From now on, orphans among this process's descendants become its children."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process when the thread that forked it ends. `parent` is its process."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(0)


def keep_own_user() -> None:
    """No program that this process or a descendant runs gets another user's rights: each can be ended."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def children(process: str = "self") -> set[int]:
    """The ids of a process's children, ended ones too, until they are waited for."""
    found: set[int] = set()
    for task in Path("/proc", process, "task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found.update(map(int, task.read_text().split()))
    return found


def reap(pid: int) -> int | None:
    """The exit code of a child that has ended (negative for a signal); None of one that runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # waited for elsewhere
        return 0
    return os.waitstatus_to_exitcode(status) if ended else None


def kill_children(kept: Collection[int]) -> bool:
    """Kills and reaps every child that is not `kept`; whether there is none left. Its own children become
    ours: call this until it is true."""
    strays = children() - set(kept)
    for pid in strays:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        reap(pid)
    return not strays


def kill_all_children(kept: Collection[int], seconds: float) -> bool:
    """`kill_children` until there is none left, for at most `seconds`; whether none is."""
    deadline = time.monotonic() + seconds
    while not kill_children(kept):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True

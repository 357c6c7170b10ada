"""Process trees: what Linux offers so that nothing of a job outlives it.

A job may start processes, and those others; they may leave its process group by `setsid`, or its tree by
forking twice. A subreaper becomes the parent of every orphan below it, so none is lost. Other systems have no
such thing: there a slot's process group is what ends with it.
"""

import os
import signal
import time
from collections import deque
from collections.abc import Collection
from contextlib import suppress

from report_worker.slots.proc import entries, read_bytes
from waybill.prctl import PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, prctl

_PAUSE_SECONDS = 0.005
_ROUNDS_SECONDS = 0.05
"""For one `kill_children`: its caller has other things to do."""


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
    tasks = f"/proc/{process}/task"
    found: set[int] = set()
    for task in entries(tasks):
        found.update(map(int, read_bytes(f"{tasks}/{task}/children").split()))
    return found


def reap(pid: int) -> int | None:
    """The exit code of a child that has ended (negative for a signal); None of one that runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # waited for elsewhere
        return 0
    return os.waitstatus_to_exitcode(status) if ended else None


def exit_in_words(exit_code: int) -> str:
    """`was killed by SIGKILL`, or `ended with exit code 1`."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def kill_children(kept: Collection[int]) -> bool:
    """Kills and reaps every child that is not `kept`, with all below it; whether there is none left.

    Does not wait for what was killed to end, but looks again for what was forked meanwhile: a job that
    replaces its processes as fast as they end would use every pause. What is left then becomes ours, as its
    parents end: call this until it is true.
    """
    deadline = time.monotonic() + _ROUNDS_SECONDS
    killed: set[int] = set()
    while strays := children() - set(kept):
        before = len(killed)
        _kill_trees(strays, killed)
        for pid in strays:
            reap(pid)
        if len(killed) == before or time.monotonic() > deadline:
            return False
    return True


def _kill_trees(tops: Collection[int], killed: set[int]) -> None:
    """Adds what it has killed to `killed`: a process that is killed still has its children until it has got
    the time to end. Of a process group none can fork while it is killed."""
    found = deque(tops)
    groups = {os.getpgrp()}
    while found:
        pid = found.popleft()
        if pid not in killed:
            killed.add(pid)
            with suppress(ProcessLookupError, PermissionError):
                if (group := os.getpgid(pid)) not in groups:
                    groups.add(group)
                    os.killpg(group, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        found.extend(children(str(pid)))


def kill_all_children(kept: Collection[int], seconds: float) -> bool:
    """`kill_children` until there is none left, for at most `seconds`; whether none is."""
    deadline = time.monotonic() + seconds
    while not kill_children(kept):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True

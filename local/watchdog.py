"""Kills what a stack started when the stack itself is gone, however it went.

Runs as a process of its own, with a pipe as standard input. Each child of the stack writes `+PID` there
before it becomes the part's program, and the stack writes `-PID` once that process group is empty. The pipe's
end means that the stack is gone, even by SIGKILL: what is still registered is ended then.

Stands alone (no import of ours), so that it starts in a few milliseconds.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

TERM_SECONDS = 5.0


def group_alive(group: int) -> bool:
    """Whether any process of the group is left; a zombie counts."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signal_groups(groups: Iterable[int], number: int) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def end_groups(groups: set[int]) -> None:
    """SIGTERM to all, SIGKILL to those that are left after `TERM_SECONDS`."""
    signal_groups(groups, signal.SIGTERM)
    deadline = time.monotonic() + TERM_SECONDS
    while groups and time.monotonic() < deadline:
        time.sleep(0.05)
        groups = {group for group in groups if group_alive(group)}
    signal_groups(groups, signal.SIGKILL)


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        sign, pid = line[0], int(line[1:])
        if sign == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    end_groups(groups)


if __name__ == "__main__":
    main()

"""What a process asks of Linux for itself. Other systems have no such thing: there nothing happens."""

import ctypes
import sys

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_LINUX = sys.platform == "linux"


def prctl(option: int, value: int) -> None:
    """Raises OSError if Linux refuses."""
    if _LINUX and ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def hide_from_own_user() -> None:
    """No other process of the same user can read this one's environment, memory or open files, as a job in a
    slot otherwise could. Nor can a debugger; and there are no core dumps. A fork inherits it, and the next
    program (`exec`) does not."""
    prctl(PR_SET_DUMPABLE, 0)

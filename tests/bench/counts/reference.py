"""How much processor time this machine needs for the same work: bounds of processor time are raised by it."""

import resource
import subprocess
import sys
import time

_REST_SECONDS = 0.4
"""As between reports that are counted alone: a processor that has rested needs longer."""
_WORK = (sys.executable, "-I", "-S", "-c", "import asyncio, decimal, http.client, json")


def take_ms(times: int) -> list[float]:
    """The processor time of some starts of Python with a few modules, each after a rest, in milliseconds."""
    return [_once_ms() for _ in range(times)]


def _once_ms() -> float:
    time.sleep(_REST_SECONDS)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(_WORK, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

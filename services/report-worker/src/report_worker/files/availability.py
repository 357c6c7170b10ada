"""Whether an output can be made on this machine."""

import ctypes
from functools import cache

from waybill.definitions import Output

_PANGO = (
    "libgobject-2.0.so.0",
    "libpango-1.0.so.0",
    "libpangoft2-1.0.so.0",
    "libharfbuzz.so.0",
    "libfontconfig.so.1",
)
"""What WeasyPrint loads when it is imported."""
_INSTALL = (
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation"
    " (or, of other distributions, pango and a font)"
)


def unavailable(output: str) -> str | None:
    """Why this output cannot be made here, and what to do, in one line; None if it can."""
    if output != Output.PDF:
        return None
    missing = [name for name in _PANGO if not _can_be_loaded(name)]
    return f"pdf needs {', '.join(missing)}: {_INSTALL}." if missing else None


@cache
def _can_be_loaded(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True

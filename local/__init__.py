"""Waybill's local stack: the real parts on one machine, without containers.

`python3 -m local --help` is its command line; `Stack` is for programs, such as the tests.
"""

from local import python_version  # noqa: F401 - first: it ends where Python is too old for the rest
from local.errors import LocalError, PartFailedError
from local.stack import Endpoints, Stack

__all__ = ["Endpoints", "LocalError", "PartFailedError", "Stack"]

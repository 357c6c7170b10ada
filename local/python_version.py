"""Ends with a sentence where Python is too old for the rest. Any Python 3 can read this."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - it is for older versions
    sys.exit(
        f"Waybill needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.\n"
        "Install one (sudo apt-get install python3.11, or brew install python) and name it:"
        " make PYTHON=python3.11 ..."
    )

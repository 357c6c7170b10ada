"""Runs a command, and starts it again when a Python file of ours changes: for `skaffold dev`.

The code is copied to a volume first, as an image's files cannot be written. A command that ends by itself is
started again at the next change, so that a typing error does not end the pod.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

CODE = Path("/app")
SECONDS = 0.5


def newest_change() -> float:
    return max((file.stat().st_mtime for file in CODE.rglob("*.py")), default=0)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Its return code; a service drains before it ends."""
    process.terminate()
    return process.wait()


def main(command: list[str]) -> None:
    process = subprocess.Popen(command)

    def end(*_: object) -> None:
        sys.exit(stop(process))

    signal.signal(signal.SIGTERM, end)
    seen = newest_change()
    while True:
        time.sleep(SECONDS)
        if (now := newest_change()) > seen:
            seen = now
            stop(process)
            process = subprocess.Popen(command)


main(sys.argv[1:])

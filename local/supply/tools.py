"""Programs of a package index that only this package needs: each by its lock, in a folder of the cache."""

import sys
from dataclasses import dataclass
from pathlib import Path

from local import cache
from local.install import python
from local.install.context import Context
from local.paths import CHECKOUT
from local.process import Launcher
from local.progress import Progress


@dataclass(frozen=True)
class Tool:
    """`package`: its name in the index, and that of its lock."""

    package: str

    def install(self) -> Path:
        """The folder to put on PYTHONPATH, filled at the first call. Raises SetupFailedError."""
        lock = CHECKOUT / "local/requirements" / f"{self.package}.txt"
        # Some of what it needs is compiled for one version of Python.
        home = cache.root() / f"{self.package}-{cache.digest(lock)}-{sys.implementation.cache_tag}"
        if home.exists():
            return home
        logs = CHECKOUT / ".run/setup"
        logs.mkdir(parents=True, exist_ok=True)
        with Launcher() as launcher, Progress(sys.stderr) as progress, progress.task(self.package) as task:
            python.unpack_once(Context(launcher, logs / f"{self.package}.log", task), lock, home)
        return home


PIP_AUDIT = Tool("pip-audit")
CYCLONEDX = Tool("cyclonedx-bom")
CHECK_JSONSCHEMA = Tool("check-jsonschema")
ZIZMOR = Tool("zizmor")
MOTO = Tool("moto")
"""Of the tests alone."""

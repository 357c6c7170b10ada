"""Resolves the requirements again, by `local/lock` with set-up's own uv."""

import os
import subprocess
import sys

from local.install import python
from local.install.context import Context
from local.paths import CHECKOUT
from local.process import Launcher
from local.progress import Progress


def lock() -> int:
    """Returns the exit code of `local/lock`."""
    logs = CHECKOUT / ".run/setup"
    logs.mkdir(parents=True, exist_ok=True)
    with Launcher() as launcher, Progress(sys.stdout) as progress, progress.task("uv") as task:
        uv = python.uv(Context(launcher, logs / "lock.log", task))
        task.say(str(uv))
    search_path = f"{uv.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **python.uv_environment(), "PATH": search_path}
    return subprocess.run([CHECKOUT / "local/lock"], env=environment, check=False).returncode

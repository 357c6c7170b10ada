"""Set-up: everything that the stack and the checks need, installed side by side."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TextIO

from local import machine
from local.errors import NotInstalledError
from local.install import jaeger, kafka, postgres, python
from local.install.context import Context
from local.installation import Installation
from local.process import Launcher
from local.progress import Progress, duration

Install = Callable[[Context], None]


def set_up(out: TextIO, logs: Path) -> Installation:
    """Installs what is missing and says so on `out`; a second call takes a fraction of a second.

    The installers' output goes to `logs`. Raises MissingToolsError, SetupFailedError.
    """
    begin = time.monotonic()
    java_path = machine.check()
    with contextlib.suppress(NotInstalledError):
        installation = Installation.find()
        if installation.kafka_archive.exists():
            out.write(f"set-up: everything is there ({duration(time.monotonic() - begin)})\n")
            return installation
    logs.mkdir(parents=True, exist_ok=True)
    installers: dict[str, Install] = {
        "jaeger": jaeger.install,
        "python": python.install,
        "kafka": lambda context: kafka.install(context, java_path),
        "postgresql": postgres.install,
    }
    with Launcher() as launcher, Progress(out) as progress:
        _install_all(installers, launcher, progress, logs)
    out.write(f"set-up: done in {duration(time.monotonic() - begin)}\n")
    return Installation.find()


def _install_all(installers: dict[str, Install], launcher: Launcher, progress: Progress, logs: Path) -> None:
    def install(name: str, installer: Install) -> None:
        log = logs / f"{name}.log"
        log.unlink(missing_ok=True)
        with progress.task(name) as task:
            installer(Context(launcher, log, task))

    with ThreadPoolExecutor(len(installers)) as pool, _closing_on_error(launcher):
        futures = [pool.submit(install, name, installer) for name, installer in installers.items()]
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()


@contextlib.contextmanager
def _closing_on_error(launcher: Launcher) -> Iterator[None]:
    """Ends the other installers' commands, so that one failure need not wait for a long build."""
    try:
        yield
    except BaseException:
        launcher.close()
        raise

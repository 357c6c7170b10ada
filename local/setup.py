"""Set-up: everything that the stack and the checks need, installed side by side."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from local import machine
from local.errors import NotInstalledError
from local.install import jaeger, kafka, postgres, python
from local.install.context import Context
from local.installation import Installation
from local.process import Launcher
from local.progress import Progress, Task, duration

RESTART = "make down up"
Install = Callable[[Context], None]

FIRST: Mapping[str, Install] = {
    "python": python.install,
    "kafka": kafka.install,
    "postgresql": postgres.install,
}
"""What the stack cannot start without."""
LATER: Mapping[str, Install] = {"jaeger": jaeger.install, "class archive": kafka.preload}
"""What it can start without: spans wait for Jaeger in the trace buffer, and the archive only saves time."""
_NEEDS = {"class archive": "kafka"}


def set_up(out: TextIO, logs: Path) -> Installation:
    """Installs what is missing and says so on `out`; a second call takes a fraction of a second.

    The installers' output goes to `logs`. Raises MissingToolsError, SetupFailedError.
    """
    with SetUp(out, logs) as running:
        running.wait([*FIRST, *LATER])
    return Installation.find()


def add_kind(package: Path, out: TextIO, logs: Path) -> None:
    """Installs a package of kinds beside the services, which find its kinds when they start the next time.

    Raises SetupFailedError.
    """
    set_up(out, logs)
    logs.mkdir(parents=True, exist_ok=True)
    with Launcher() as launcher, Progress(out) as progress, progress.task(package.name) as task:
        python.add_package(Context(launcher, logs / "add-kind.log", task), package)
        task.say(f"installed; the services find its kinds when they start the next time: {RESTART}")


class SetUp:
    """A set-up that goes on in threads, for those who want to use a part of it before the rest is there.

    Leaving the block ends what has not been waited for; what it had downloaded or compiled is kept.
    """

    def __init__(self, out: TextIO, logs: Path) -> None:
        machine.check()
        self._out = out
        self._logs = logs
        self._begin = time.monotonic()
        self._launcher = Launcher()
        self._pool = ThreadPoolExecutor(len(FIRST) + len(LATER), thread_name_prefix="set-up")
        self._futures: dict[str, Future[None]] = {}
        self._seen: set[str] = set()
        """Whose end has been shown."""
        self.tasks: dict[str, Task] = {}
        """Each with the seconds that it took; empty when everything was there already."""

    def wait(self, names: Iterable[str]) -> None:
        """Blocks until all of `names` are installed, and shows meanwhile how far everything is.

        Raises SetupFailedError, and ends the rest: one failure need not wait for a long build.
        """
        wanted = [name for name in names if name in self._futures]
        unseen = [task for name, task in self.tasks.items() if name not in self._seen]
        if not unseen:
            return
        with Progress(self._out, unseen):
            try:
                done = wait([self._futures[name] for name in wanted], return_when=FIRST_EXCEPTION).done
                for future in done:
                    future.result()
            except BaseException:
                self._launcher.close()
                wait(self._futures.values())
                raise
        self._seen.update(name for name, future in self._futures.items() if future.done())
        if all(future.done() for future in self._futures.values()):
            self._say(f"done in {duration(time.monotonic() - self._begin)}")

    def is_installed(self, name: str) -> bool:
        """Whether `name` is there, without waiting for it."""
        future = self._futures.get(name)
        return future is None or (future.done() and future.exception() is None)

    def __enter__(self) -> Self:
        with suppress(NotInstalledError):
            if Installation.find().kafka_archive.exists():
                self._say(f"everything is there ({duration(time.monotonic() - self._begin)})")
                return self
        self._logs.mkdir(parents=True, exist_ok=True)
        for name, install in {**FIRST, **LATER}.items():
            self.tasks[name] = Task(name)
            needed = self._futures.get(_NEEDS.get(name, ""))
            self._futures[name] = self._pool.submit(self._run, name, install, needed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._launcher.close()
        self._pool.shutdown()

    def _run(self, name: str, install: Install, needed: Future[None] | None) -> None:
        log = self._logs / f"{name.replace(' ', '-')}.log"
        log.unlink(missing_ok=True)
        with self.tasks[name].timed():
            if needed is not None:
                needed.result()
            install(Context(self._launcher, log, self.tasks[name], background=name in LATER))

    def _say(self, text: str) -> None:
        self._out.write(f"set-up: {text}\n")
        self._out.flush()

"""What the kinds do."""

import asyncio
import base64
import decimal
import hashlib
import locale
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from report_worker.slots.work import JobCancelled
from waybill.errors import PermanentError, RetryableError
from waybill.kinds import Artefact, Parameters, Work

from . import (
    CrashParameters,
    ExactParameters,
    FlakyParameters,
    HogParameters,
    HowParameters,
    KillerParameters,
    PermanentParameters,
    ResumableParameters,
    SecondsParameters,
    SeveralParameters,
    SlowParameters,
    WriterParameters,
)

_EXIT_CODE = 41
_leaked: list[bytearray] = []
_files: list[int] = []


def flaky(parameters: FlakyParameters, work: Work) -> Artefact:
    message = parameters.message * parameters.repeat + ("\0 \ud800" if parameters.odd else "")
    if work.attempt <= parameters.failures and not parameters.in_a_step:
        raise RetryableError(message)
    with work.step("only step"):
        if work.attempt <= parameters.failures:
            raise RetryableError(message)
    return _artefact(work)


def permanent(parameters: PermanentParameters, work: Work) -> Artefact:
    with work.step("only step"):
        time.sleep(parameters.after)
        raise PermanentError("There is no such data, and never will be.")


def crash(parameters: CrashParameters, work: Work) -> Artefact:
    with work.step("only step"):
        time.sleep(parameters.after)
        if work.attempt <= parameters.crashes:
            if parameters.how == "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            if parameters.how == "closed files":
                os.closerange(3, 256)
                return _artefact(work)
            os._exit(_EXIT_CODE)
    return _artefact(work)


def killer(parameters: KillerParameters, work: Work) -> Artefact:
    with work.step("only step"):
        time.sleep(parameters.after)
        if work.attempt <= parameters.times:
            os.kill(os.getppid() if parameters.template else _worker(), signal.SIGKILL)
            time.sleep(60)
    return _artefact(work)


def _worker() -> int:
    """The worker's process: the first of this one's ancestors that runs its main module."""
    pid = os.getpid()
    while b"report_worker.run" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def hang(parameters: SecondsParameters, work: Work) -> Artefact:
    with work.step("only step"):
        time.sleep(parameters.seconds)
    return _artefact(work)


hurried = hang


def nothing(_: Parameters, work: Work) -> None:
    with work.step("only step"):
        pass


def no_file(_: Parameters, work: Work) -> Artefact:
    with work.step("only step"):
        return Artefact(work.directory / "report.txt", "text/plain", "report.txt")


def hog(parameters: HogParameters, work: Work) -> Artefact:
    with work.step("only step"):
        taken = [bytearray(2**20) for _ in range(parameters.mebibytes)]
    return _artefact(work, str(len(taken)))


def leak(parameters: HogParameters, work: Work) -> Artefact:
    with work.step("only step"):
        _leaked.extend(bytearray(2**20) for _ in range(parameters.mebibytes))
    return _artefact(work)


def slow(parameters: SlowParameters, work: Work) -> Artefact:
    for number in range(parameters.steps):
        with work.step(f"step {number}"):
            time.sleep(parameters.seconds)
    return _artefact(work, filename=parameters.filename)


def exact(parameters: ExactParameters, work: Work) -> Artefact:
    return _artefact(work, f"{parameters.amount} {parameters.twice}")


def loose(_: Parameters, work: Work) -> Artefact:
    return _artefact(work)


def resumable(parameters: ResumableParameters, work: Work) -> Artefact:
    """Its artefact is a function of its steps' results, each of which is one of the result before it."""
    chain = ""
    for number in range(parameters.steps):
        with work.step(f"step {number}", resume=True) as step:
            if not step.reused:
                _note(parameters.log, f"{work.report_id} {number} {work.attempt}")
                time.sleep(parameters.seconds)
                if _ends(parameters, work, number - 1) and parameters.how == "in the next":
                    raise RetryableError("told to fail")
                step.keep(_result(chain, number, parameters.file_bytes, work.directory))
            result = step.result
        chain = _checksum(result)
        if _ends(parameters, work, number):
            _end(parameters.how)
    path = work.directory / "chain.txt"
    path.write_text(chain)
    return Artefact(path, "text/plain", path.name)


def _ends(parameters: ResumableParameters, work: Work, number: int) -> bool:
    return number == parameters.after and work.attempt <= parameters.times


def _end(how: str) -> None:
    if how == "raise":
        raise RetryableError("told to fail")
    if how == "give up":
        raise PermanentError("told to fail")
    if how == "exit":
        os._exit(_EXIT_CODE)
    if how == "kill worker":
        os.kill(_worker(), signal.SIGKILL)
    if how != "in the next":
        time.sleep(60)


def _note(log: str, line: str) -> None:
    """Adds a line, whole, whatever kills this process."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def _result(before: str, number: int, size: int, directory: Path) -> Any:
    seed = hashlib.sha256(f"{before} {number}".encode()).hexdigest()
    if number % 2 == 0:
        return {"seed": seed, "number": number, "half": number / 2}
    path = directory / "of steps" / f"{number}.txt"
    path.parent.mkdir(exist_ok=True)
    block = (seed * 1024).encode()
    with path.open("wb") as file:
        for begin in range(0, size, len(block)):
            file.write(block[: size - begin])
    return path


def _checksum(result: Any) -> str:
    if isinstance(result, Path):
        with result.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(repr(result).encode()).hexdigest()


def wrong_step(parameters: HowParameters, work: Work) -> Artefact:
    inside = work.directory / "inside.txt"
    inside.write_text("inside")
    results: dict[str, Any] = {
        "too large": "x" * 70_000,
        "no JSON": object(),
        "not a number": float("nan"),
        "outside": Path("/etc/hostname"),
        "above": work.directory / ".." / "x",
        "directory": work.directory,
        "missing": work.directory / "missing",
        "link": work.directory / "link",
        "removed": inside,
        "same file": inside,
    }
    (work.directory / "link").symlink_to(inside)
    with work.step("only step", resume=parameters.how != "not resumable") as step:
        if parameters.how == "no result":
            str(step.result)
        step.keep(results.get(parameters.how, 1))
        if parameters.how == "twice":
            step.keep(2)
        if parameters.how == "removed":
            inside.unlink()
    with work.step("only step" if parameters.how == "same name" else "another", resume=True) as step:
        step.keep(inside if parameters.how == "same file" else 2)
    return _artefact(work)


_HYDRA = """
import fcntl, os, signal, time

def take(head):
    try:
        fcntl.lockf(heads, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, head)
    except OSError:
        return False
    return True

heads, mine, end = open("heads", "w"), 0, time.monotonic() + 60
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
take(mine)
while time.monotonic() < end:
    for other in range(30):
        if other != mine and take(other):
            fcntl.lockf(heads, fcntl.LOCK_UN, 1, other)
            if os.fork() == 0:
                os.setsid()
                mine = other
                if not take(mine):
                    os._exit(0)
    time.sleep(0.001)
"""
"""Thirty processes, each in a session of its own, that start each other again as fast as they can. They know
of each other's end by the locks that each has in a file."""


def spawn(parameters: HowParameters, work: Work) -> Artefact:
    """Starts a process that outlives its parent, if nothing ends it. Its arguments have the report's id."""
    sleep = [sys.executable, "-c", "import time; time.sleep(4001)", str(work.report_id)]
    with work.step("only step"):
        match parameters.how:
            case "child":
                subprocess.Popen(sleep)
            case "session":
                subprocess.Popen(sleep, start_new_session=True)
            case "orphan":
                subprocess.run(["sh", "-c", '"$@" &', "sh", *sleep], check=True)
            case "daemon":
                subprocess.run(["setsid", "sh", "-c", '"$@" &', "sh", *sleep], check=True)
            case "hydra":
                subprocess.Popen([sys.executable, "-c", _HYDRA, str(work.report_id)], cwd=work.directory)
            case "stubborn":
                ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                subprocess.Popen([*sleep[:2], ignore + sleep[2], sleep[3]])
        if parameters.seconds < 0.001:
            os._exit(_EXIT_CODE)
        time.sleep(parameters.seconds)
    return _artefact(work)


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


class OddError(BaseException):
    """Of no class that anybody catches."""


class _Secretive(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__module__", "__qualname__"):
            raise RuntimeError("not even this")
        return super().__getattribute__(name)


class NamelessError(Exception, metaclass=_Secretive):
    """Its class does not say what it is called."""


class ClasslessError(Exception):
    """Not even an instance of its own class."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("not even this")


LongError = type("LongError" * 100, (Exception,), {"__module__": "\ud800" * 1000})


_RAISED: dict[str, Callable[[], BaseException]] = {
    "unreadable": UnreadableError,
    "exit": lambda: SystemExit("over and out"),
    "interrupt": KeyboardInterrupt,
    "generator": GeneratorExit,
    "odd": lambda: OddError("odd"),
    "cancelled": lambda: JobCancelled("cancelled"),
    "nameless": lambda: NamelessError("nameless"),
    "classless": lambda: ClasslessError("classless"),
    "long": lambda: LongError("long"),
}


def raise_one(parameters: HowParameters, work: Work) -> Artefact:
    """In a step, in every way that there is."""
    with work.step("only step"):
        if parameters.how == "asyncio":
            asyncio.run(_await_a_cancelled_task())
        raise _RAISED[parameters.how]()


async def _await_a_cancelled_task() -> None:
    task = asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


def fork(parameters: HowParameters, work: Work) -> Artefact:
    """Its child leaves the function too, in one way or the other, and does not see to it that it ends."""
    child = os.fork()
    with work.step("only step"):
        if child:
            _, status = os.waitpid(child, 0)
            return _artefact(work, str(os.waitstatus_to_exitcode(status)))
        match parameters.how:
            case "exit":
                sys.exit(3)
            case "exception":
                raise PermanentError("in the child")
    return Artefact(work.directory / "of-the-child.txt", "text/plain", "of-the-child.txt")


def pool(parameters: HowParameters, work: Work) -> Artefact:
    """Computes squares in processes of its own."""
    with work.step("only step"):
        if parameters.how == "executor":
            with ProcessPoolExecutor(2) as executor:
                squares = list(executor.map(_square, range(5)))
        else:
            with multiprocessing.get_context(parameters.how).Pool(2) as workers:
                squares = workers.map(_square, range(5))
    return _artefact(work, str(squares))


def _square(number: int) -> int:
    return number * number


def _move_to_tokyo() -> None:
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()


def _leave_a_file() -> None:
    with tempfile.TemporaryFile() as file:
        _files.append(os.dup(file.fileno()))


def _leave_many_files() -> None:
    """All but a few of those that the process may have."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError):
        _files.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(most))
    for file in _files[-15:]:
        os.close(file)


LEAVINGS: dict[str, Callable[[], object]] = {
    "working directory": lambda: os.chdir("/"),
    "environment": lambda: os.environ.update(WHATEVER="left"),
    "time zone": _move_to_tokyo,
    "umask": lambda: os.umask(0o777),
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(0) == "C" else "C"),
    "signal handlers": lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN),
    "timers": lambda: signal.alarm(1),
    "threads": lambda: threading.Thread(target=time.sleep, args=(60,), daemon=True).start(),
    "child processes": lambda: subprocess.Popen(["sleep", "60"]),
    "standard streams": lambda: os.dup2(os.open(os.devnull, os.O_RDWR), 1),
    "open files": _leave_a_file,
    "too many open files": _leave_many_files,
    "resource limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    "scheduling": lambda: os.nice(1),
    "interpreter settings": lambda: sys.path.insert(0, "/nowhere"),
    "module defaults": lambda: setattr(decimal.getcontext(), "prec", 5),
}
"""What a job may leave behind, by the name that a slot has for it."""


def leave(parameters: HowParameters, work: Work) -> Artefact:
    artefact = _artefact(work)
    LEAVINGS[parameters.how]()
    return artefact


def read(_: HowParameters, work: Work) -> Artefact:
    """Everything that a process of this user can read of the processes' environments and memory maps."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("environ", "maps"):
            try:
                found.append((process / name).read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return _artefact(work, "\n".join([*found, repr(dict(os.environ))]))


def return_one(parameters: HowParameters, work: Work) -> Artefact:
    """A path that leads elsewhere."""
    outside = work.directory.parent / f"{work.report_id}.secret"
    outside.write_text("not the job's own\n")
    inside = work.directory / "report.txt"
    path = inside
    match parameters.how:
        case "outside":
            path = outside
        case "dots":
            path = work.directory / ".." / outside.name
        case "no text":
            path = work.directory / os.fsdecode(b"\xff.txt")
            path.write_text("")
        case "link":
            inside.symlink_to(outside)
        case "hard link":
            inside.hardlink_to(outside)
        case "linked directory":
            (work.directory / "inner").symlink_to(work.directory.parent)
            path = work.directory / "inner" / outside.name
    return Artefact(path, "text/plain", "report.txt")


def several(parameters: SeveralParameters, work: Work) -> list[Artefact]:
    """Each says of which attempt it is."""
    outputs: list[str | None] = [*work.outputs] if not parameters.names else [None] * len(parameters.names)
    names = parameters.names or [f"report.{output}" for output in work.outputs]
    artefacts = []
    with work.step("only step"):
        for number, (name, output) in enumerate(zip(names, outputs, strict=True)):
            path = work.directory / f"{number}.txt"
            path.write_text(f"{name} of attempt {work.attempt}\n")
            artefacts.append(Artefact(path, "text/plain", name, output))
        match parameters.how:
            case "outside":
                outside = work.directory.parent / f"{work.report_id}.secret"
                outside.write_text("not the job's own\n")
                artefacts[1] = Artefact(outside, "text/plain", "outside.txt")
            case "missing":
                artefacts[1].path.unlink()
            case "nothing":
                artefacts = []
    return artefacts


def writer(parameters: WriterParameters, work: Work) -> list[Artefact]:
    """Whatever files, lines and errors a test wants to see on a page."""
    artefacts = []
    with work.step(parameters.text or "only step", keep_going=True):
        print(parameters.text)  # noqa: T201 - that is what it is for
        for number, file in enumerate(parameters.files):
            path = work.directory / str(number)
            path.write_bytes(base64.b64decode(file.content) * file.times)
            artefacts.append(Artefact(path, file.media_type, file.name))
        if parameters.fails:
            raise PermanentError(parameters.text)
    return artefacts


def alone(_: Parameters, work: Work) -> Artefact:
    return _artefact(work, str(os.getpid()))


def _artefact(work: Work, more: str = "", filename: str = "report.txt") -> Artefact:
    """A file that says which attempt wrote it."""
    path = work.directory / "report.txt"
    path.write_text(f"attempt {work.attempt}{more and ' '}{more}\n")
    return Artefact(path, "text/plain", filename)

"""A kind that prints and logs in every way that there is."""
# ruff: noqa: T201 - that is what it is for

import ctypes
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import structlog

from waybill.errors import RetryableError
from waybill.kinds import Artefact, Work

from . import TalkParameters

log = logging.getLogger("talk.logger")
structured = structlog.get_logger("talk.structured")

MIB = 2**20
LINE = "a line of a loop that prints all the time, as fast as it can, and looks at nothing"


def talk(parameters: TalkParameters, work: Work) -> Artefact:
    print("before all steps")
    for way in parameters.ways:
        with work.step(way):
            _WAYS[way](parameters.text)
            time.sleep(parameters.seconds)
    print("after all steps")
    if work.attempt <= parameters.failures:
        raise RetryableError("It is told to fail.")
    path = work.directory / "talk.txt"
    path.write_text("talk\n")
    return Artefact(path, "text/plain", "talk.txt")


def _print(text: str) -> None:
    print(text)
    print(f"{text} on standard error", file=sys.stderr)


def _log(text: str) -> None:
    print("printed before")
    log.info("logged %s", text)
    log.debug("below the level")
    try:
        raise ValueError(text)  # noqa: TRY301
    except ValueError:
        log.exception("caught")
    print("printed after")


def _structlog(text: str) -> None:
    structured.warning("structured", text=text, number=7, password="hunter2")


def _subprocess(text: str) -> None:
    subprocess.run(["sh", "-c", f"echo {text} of a process; echo and its error >&2"], check=True)


def _unfinished(text: str) -> None:
    print(text, end="")


def _libc(text: str) -> None:
    ctypes.CDLL(None).printf(f"{text} of C\n".encode())


def _garbage(_: str) -> None:
    os.write(1, bytes(range(256)) * 4 + b"\n")
    os.write(2, b"\xff\xfe\0\0" * 1000)


def _loop(_: str) -> None:
    """100 MiB."""
    for _number in range(100 * MIB // (len(LINE) + 1)):
        print(LINE)
    print("the end of the loop")


def _locked(_: str) -> None:
    """A library that prints more than a pipe holds, without giving Python's lock away."""
    libc = ctypes.PyDLL(None)
    line = (LINE + "\n").encode()
    for _number in range(8 * MIB // len(line)):
        libc.write(1, line, len(line))


def _crash(text: str) -> None:
    print(f"{text} before the crash")
    print("half a line", end="", flush=True)
    os._exit(41)


def _background(text: str) -> None:
    """A process that goes on to print when the job has ended."""
    subprocess.Popen(["sh", "-c", f"while :; do echo {text} in the background; sleep 0.01; done"])


_WAYS: Mapping[str, Callable[[str], None]] = {
    "print": _print,
    "log": _log,
    "structlog": _structlog,
    "subprocess": _subprocess,
    "unfinished": _unfinished,
    "libc": _libc,
    "garbage": _garbage,
    "loop": _loop,
    "locked": _locked,
    "crash": _crash,
    "background": _background,
    "nothing": lambda _: None,
}

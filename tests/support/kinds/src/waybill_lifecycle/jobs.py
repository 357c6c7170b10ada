"""What the kinds do."""

import os
import signal
import time

from waybill.errors import PermanentError, RetryableError
from waybill.kinds import Artefact, Parameters, Work

from . import (
    CrashParameters,
    FlakyParameters,
    HogParameters,
    PermanentParameters,
    SecondsParameters,
    SlowParameters,
)

_EXIT_CODE = 41
_leaked: list[bytearray] = []


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
            os._exit(_EXIT_CODE)
    return _artefact(work)


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


def loose(_: Parameters, work: Work) -> Artefact:
    return _artefact(work)


def _artefact(work: Work, more: str = "", filename: str = "report.txt") -> Artefact:
    """A file that says which attempt wrote it."""
    path = work.directory / "report.txt"
    path.write_text(f"attempt {work.attempt}{more and ' '}{more}\n")
    return Artefact(path, "text/plain", filename)

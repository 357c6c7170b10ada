"""Kinds that fail, crash, hang, eat memory or take their time, as they are told."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, computed_field

from waybill.kinds import Kind, Parameters


class FlakyParameters(Parameters):
    """The first `failures` attempts raise `message`; in a step, or outside of every step."""

    failures: int = Field(default=1, ge=0)
    message: str = "not today"
    repeat: int = Field(default=1, ge=1, description="How often the message is repeated.")
    in_a_step: bool = True
    odd: bool = Field(default=False, description="With what the database takes in no text.")


class PermanentParameters(Parameters):
    """When the step fails, in seconds."""

    after: float = Field(default=0, ge=0)


class CrashParameters(Parameters):
    """The first `crashes` attempts end their process, `after` so many seconds."""

    crashes: int = Field(default=1, ge=0)
    after: float = Field(default=0, ge=0)
    how: Literal["exit", "segfault", "closed files"] = "exit"


class KillerParameters(Parameters):
    """The first `times` attempts kill their worker, or the template of its slots, `after` so many seconds."""

    times: int = Field(default=1, ge=0)
    after: float = Field(default=1, ge=0)
    template: bool = False


class SecondsParameters(Parameters):
    """For how long a step hangs that looks at nothing."""

    seconds: float = Field(default=600, ge=0)


class HogParameters(Parameters):
    """How much memory is taken."""

    mebibytes: int = Field(default=4096, ge=1)


class SlowParameters(Parameters):
    """So many steps of so many seconds, then a file of this name."""

    steps: int = Field(default=10, ge=1)
    seconds: float = Field(default=0.2, ge=0)
    filename: str = "report.txt"


class HowParameters(Parameters):
    """Which of its ways a job takes."""

    how: str = ""
    seconds: float = Field(default=0, ge=0, description="For how long its step takes afterwards.")


class SeveralParameters(Parameters):
    """A file for each wanted output, or one for each of these names; and what is wrong with the second."""

    names: list[str] = Field(default=[], max_length=50)
    how: str = ""


class WrittenFile(Parameters):
    """A file as it is to be: the content in base64, and how often it is in it."""

    name: str
    media_type: str
    content: str
    times: int = 1


class WriterParameters(Parameters):
    """The files that it writes, one text that it prints and has in its step's error, and whether it fails."""

    files: tuple[WrittenFile, ...] = ()
    text: str = ""
    fails: bool = False


class TalkParameters(Parameters):
    """The ways in which it prints and logs, one after the other, each in a step of its own. `text` is among
    what it says; the first `failures` attempts fail afterwards."""

    ways: tuple[str, ...] = ("print",)
    text: str = "hello"
    failures: int = Field(default=0, ge=0)
    seconds: float = Field(default=0, ge=0, description="For how long each step takes afterwards.")


class ResumableParameters(Parameters):
    """So many steps, each of which keeps JSON or, if its number is odd, a file, and adds a line to `log`
    where it runs. Between step `after` and the next, the first `times` attempts end in a way."""

    log: str
    steps: int = Field(default=4, ge=1)
    seconds: float = Field(default=0, ge=0, description="Of each step that runs.")
    after: int = 0
    times: int = Field(default=0, ge=0)
    how: Literal["raise", "exit", "kill worker", "wait", "in the next", "give up"] = "raise"
    file_bytes: int = Field(default=1000, ge=0)


class ExactParameters(Parameters):
    """A decimal, and what is computed of it."""

    amount: Decimal

    @computed_field
    def twice(self) -> Decimal:
        return self.amount * 2


class LooseParameters(Parameters):
    """Whatever JSON there is."""

    anything: Any = None


def _one_step(_: Any) -> Sequence[str]:
    return ("only step",)


def _steps(parameters: SlowParameters) -> Sequence[str]:
    return [f"step {number}" for number in range(parameters.steps)]


def _ways(parameters: TalkParameters) -> Sequence[str]:
    return parameters.ways


def _resumable_steps(parameters: ResumableParameters) -> Sequence[str]:
    return [f"step {number}" for number in range(parameters.steps)]


def _kind(
    name: str,
    parameters: type[Parameters],
    steps: Callable[[Any], Sequence[str]] = _one_step,
    **options: Any,
) -> Kind:
    return Kind(
        name=name,
        title=name.capitalize(),
        description=(parameters.__doc__ or name).partition("\n")[0],
        parameters=parameters,
        steps=steps,
        implementation=f"waybill_lifecycle.{'talk' if name == 'talk' else 'jobs'}:{name}",
        **options,
    )


FLAKY = _kind("flaky", FlakyParameters)
PERMANENT = _kind("permanent", PermanentParameters)
CRASH = _kind("crash", CrashParameters, max_attempts=2)
KILLER = _kind("killer", KillerParameters)
HANG = _kind("hang", SecondsParameters, timeout=timedelta(seconds=60), max_attempts=1)
HURRIED = _kind("hurried", SecondsParameters, timeout=timedelta(seconds=1), max_attempts=1)
NOTHING = _kind("nothing", Parameters, max_attempts=1)
NO_FILE = _kind("no_file", Parameters, max_attempts=1)
HOG = _kind("hog", HogParameters, max_attempts=1)
LEAK = _kind("leak", HogParameters, max_attempts=1)
SLOW = _kind("slow", SlowParameters, _steps)
EXACT = _kind("exact", ExactParameters)
LOOSE = _kind("loose", LooseParameters)
SPAWN = _kind("spawn", HowParameters, max_attempts=1, timeout=timedelta(seconds=60))
RAISE = _kind("raise_one", HowParameters, max_attempts=1)
POOL = _kind("pool", HowParameters, max_attempts=1)
LEAVE = _kind("leave", HowParameters, max_attempts=1)
TALK = _kind("talk", TalkParameters, _ways)
FORK = _kind("fork", HowParameters, max_attempts=1)
READ = _kind("read", HowParameters, max_attempts=1)
RETURN = _kind("return_one", HowParameters, max_attempts=1)
WRITER = _kind("writer", WriterParameters, max_attempts=1)
SEVERAL = _kind("several", SeveralParameters, outputs=("html", "pdf", "xlsx"))
RESUMABLE = _kind("resumable", ResumableParameters, _resumable_steps, max_attempts=3)
WRONG_STEP = _kind("wrong_step", HowParameters)
ALONE = _kind("alone", Parameters, max_attempts=1, fresh_process=True)

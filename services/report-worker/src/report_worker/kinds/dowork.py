"""Produces a `dowork` report: steps that only take time, one of which fails."""

import time
from collections.abc import Callable
from random import Random

from waybill.kinds import Artefact, Work
from waybill.kinds.dowork import DoWorkParameters, step_names


class StepFailed(Exception):  # noqa: N818 - the name is what happened
    """The failure that the job is there to show."""


def produce(
    parameters: DoWorkParameters,
    work: Work,
    *,
    random: Random | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Artefact:
    """Runs every step, also those after the one that fails; the artefact is a log of them.

    `sleep` takes seconds.
    """
    random = random or Random()  # noqa: S311 - it only decides how long a step takes
    lines = []
    for number, name in enumerate(step_names(parameters)):
        milliseconds = random.randint(0, parameters.max_step_ms)
        outcome = "failed" if number == parameters.failing_step else "done"
        lines.append(f"{name}\t{milliseconds} ms\t{outcome}\n")
        with work.step(name, keep_going=True):
            sleep(milliseconds / 1000)
            if outcome == "failed":
                raise StepFailed("Something wrong!")

    log = work.directory / "dowork.log"
    log.write_text("".join(lines), encoding="utf-8")
    return Artefact(path=log, media_type="text/plain; charset=utf-8", filename=log.name)

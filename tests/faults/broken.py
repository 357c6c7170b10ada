"""`python -m tests.faults.broken`: the harness against builds that are broken on purpose.

A proof is worth what it can refute. Each build lacks one of the guards; the same injectors and the same
checker must find that, by the harm that the guard is there to prevent. A sound build comes first in each
lane: there they must find nothing, so that what they find of the others is not the machine's slowness.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from rich.console import Console

from local import signals
from tests.faults import settings
from tests.faults.console import Live
from tests.faults.harness import side_by_side, start_rig, summary
from tests.faults.injectors import Lane, killers, resume, workers
from tests.faults.report import show_violations
from tests.faults.rig import API, Rig
from tests.faults.run import Outcome, Run
from tests.faults.scale import SMOKE, Scale
from tests.faults.workplace import workplace

SCALE: Scale = replace(SMOKE, pauses=2, ends_within=60, traces=0)
WORKERS = 2
_KILLS = 3
_KILL_SECONDS = 30.0


@dataclass(frozen=True)
class Build:
    """What its `name` says is built into `services`, which have `settings` too; `breaches` are those of which
    at least one must be found. A sound one has neither."""

    name: str
    services: Callable[[Rig], Sequence[str]]
    inject: Callable[[Run], None]
    breaches: frozenset[str]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def sabotage(self) -> str:
        return self.name if self.breaches else ""


def kill_after_the_offset(run: Run) -> None:
    """Workers die at the instant before they claim; whoever starts them again finds the offset committed."""
    run.load(threads=2, pause=0.1, most_open=20, parameters={"steps": 1, "step_ms": 50})
    for _ in range(_KILLS):
        _kill_one(run)
        for name in _ended(run.rig):
            run.rig.stack.start_part(name)


def kill_the_api(run: Run) -> None:
    """The API's process dies at the instant between two steps that the build has in the wrong order."""
    run.load(threads=2, pause=0.1, most_open=20, parameters={"steps": 1, "step_ms": 50})
    for _ in range(_KILLS):
        _kill_one(run)


def _kill_one(run: Run) -> None:
    run.rig.put_tokens(1)
    never = "nothing took the token: what kills is never reached"
    run.expect(lambda: run.rig.tokens_left() == 0, _KILL_SECONDS, never)
    run.inject()


def _ended(rig: Rig) -> Iterator[str]:
    """The workers that have killed themselves; one of them has, or is about to."""
    for name in rig.workers:
        try:
            rig.stack.wait_exit(name, 0.5)
        except TimeoutError:
            continue
        yield name


# Side by side, each lane on a stack of its own; they take about as long.
LANES: Mapping[str, Sequence[Build]] = {
    "broken-1": (
        Build("sound-1", lambda rig: rig.workers, workers.pause, breaches=frozenset()),
        Build(
            "ignore-refusals",
            lambda rig: rig.workers,
            workers.pause,
            breaches=frozenset({"ended_twice", "illegal_transition", "topic_differs_from_row", "not_ended"}),
        ),
        Build(
            "offset-first",
            lambda rig: rig.workers,
            kill_after_the_offset,
            breaches=frozenset({"not_ended"}),
        ),
        Build(
            "no-fence",
            lambda rig: rig.workers,
            workers.pause,
            breaches=frozenset({"ended_twice", "two_artefacts", "artefact_of_other_attempt"}),
        ),
    ),
    "broken-2": (
        Build("sound-2", lambda rig: rig.workers, workers.pause, breaches=frozenset()),
        Build(
            "forget-results",
            lambda rig: rig.workers,
            resume.kill,
            breaches=frozenset({"committed_step_ran_again"}),
        ),
        Build(
            "delete-first",
            lambda _: [API],
            kill_the_api,
            breaches=frozenset({"not_ended", "status_not_published"}),
        ),
        Build(
            "never-alone",
            lambda rig: [API, *rig.workers],
            killers.let_them_kill,
            breaches=frozenset({"not_alone"}),
            settings=killers.SETTINGS,
        ),
        Build(
            "publish-first",
            lambda _: [API],
            kill_the_api,
            breaches=frozenset({"unexpected_dead_letter"}),
        ),
    ),
}


def judge(rig: Rig, build: Build, seed: int, live: Live) -> Outcome:
    """What the harness says of one build. The rig is sound again afterwards."""
    line = live.begin(build.name)
    rig.clear_tokens()
    rig.reconfigure(*build.services(rig), sabotage=build.sabotage, **build.settings)
    run = Run(build.name, rig, SCALE, Random(f"{seed} {build.name}"), line.say)
    run.accepting = False
    try:
        build.inject(run)
    finally:
        run.close()
    outcome = run.judge()
    rig.end_reports()
    rig.clear_tokens()
    rig.reconfigure(*build.services(rig))
    line.end(summary(outcome))
    return outcome


def is_as_built(build: Build, outcome: Outcome) -> bool:
    """Whether what it lacks was found, or that it lacks nothing."""
    if not build.breaches:
        return not outcome.violations
    return any(violation.name in build.breaches for violation in outcome.violations)


def _find(seed: int, live: Live) -> dict[str, bool]:
    """Of each build, whether it was found to be what it is."""
    found: dict[str, bool] = {}

    def run_lane(name: str) -> None:
        rig = start_rig(directory / name, live, Lane(name, WORKERS, ()))
        try:
            for build in LANES[name]:
                outcome = judge(rig, build, seed, live)
                show_violations(live.console, outcome)
                found[build.name] = is_as_built(build, outcome)
        finally:
            rig.stop()

    with workplace() as directory:
        side_by_side(run_lane, list(LANES), live)
    return found


def main() -> int:
    """0 if each broken build was found out, and the sound ones too."""
    seed, console = settings.seed(), Console()
    names = [build.name for lane in LANES.values() for build in lane]
    console.print(f"seed {seed}: builds {', '.join(names)}")
    try:
        with signals.as_exception():
            found = _find(seed, Live(console))
    except signals.Interruption as interruption:
        return interruption.exit_code
    for name, is_it in found.items():
        console.print(f"{name}: {'found out' if is_it else '[red]NOT FOUND OUT[/]'}", highlight=False)
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

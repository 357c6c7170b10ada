"""What drains a backlog: Waybill's worker, as all peers do."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.bench import artefacts, backlog
from tests.bench.artefacts import Work
from tests.bench.errors import CannotMeasure
from tests.bench.rig import API, WORKER, Rig

WAYBILL = "Waybill"
NOOP: Mapping[str, object] = {"kind": "noop", "parameters": {"steps": 1}}
PATIENCE_SECONDS = 120.0
_ENDS = "SELECT count(*) FILTER (WHERE status = 'done'), sum(attempt) FROM reports"
_SKIPPED_OF_SEVERAL = 1 / 3
"""Several workers are not ready at the same instant."""


def prepare(rig: Rig, number: int, settings: Mapping[str, str] | None = None) -> None:
    """This number of reports waits; the API runs, with more `settings`, and no worker does."""
    backlog.empty(rig)
    rig.stack.start_part(API, **(settings or {}))
    backlog.fill(rig, NOOP, number)


def drain(rig: Rig, number: int, settings: Mapping[str, str] | None = None, more: int = 0) -> Sequence[Work]:
    """Starts a worker, and `more` of them, and stops all when every report has run: when each began."""
    workers = [WORKER, *(f"{WORKER}-{count}" for count in range(2, more + 2))]
    try:
        with ThreadPoolExecutor(len(workers)) as pool:
            list(pool.map(lambda name: rig.start_worker(name, settings or {}), workers))
        artefacts.wait_for(rig.artefacts, number, PATIENCE_SECONDS)
    finally:
        backlog.stop(rig, *workers)
    _check_ends(rig, number)
    return artefacts.read_all(rig.artefacts)


def _check_ends(rig: Rig, number: int) -> None:
    """Every report must have ended well and at once, or it was something else that was measured."""
    ((done, attempts),) = rig.rows(_ENDS)
    if (done, attempts) != (number, number):
        raise CannotMeasure(f"of {number} reports {done} are done, after {attempts} attempts")


def rate(rig: Rig, number: int, settings: Mapping[str, str] | None = None, more: int = 0) -> float:
    """Reports in a second. The API and the workers do not run afterwards."""
    prepare(rig, number, settings)
    works = drain(rig, number, settings, more)
    backlog.stop(rig, API)
    return artefacts.per_second(works, _SKIPPED_OF_SEVERAL if more else artefacts.SKIPPED)

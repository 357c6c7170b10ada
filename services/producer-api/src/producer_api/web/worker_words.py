"""That no worker takes a kind's reports, in words: of the kind, of a new report, and of one that waits."""

from dataclasses import dataclass
from typing import Final

from waybill.domain import lifecycle
from waybill.kinds import Kind
from waybill.store import LiveWorkers


@dataclass(frozen=True)
class NoWorker:
    """`title`: the sentence, without its end; `waits`: what a report waits for; `then`: what comes of that
    report, and `of_new` of one that is requested now, each in a sentence."""

    title: str
    waits: str
    then: str
    of_new: str


NONE_THERE: Final = NoWorker(
    "No worker is there",
    "for a worker: none is there",
    "The report is kept, and goes on by itself once there is one.",
    "A report is accepted, and waits until there is one.",
)
NONE_OFFERS: Final = NoWorker(
    "No worker offers this kind",
    "for a worker that offers its kind: none does now",
    f"It is tried again until one does, {lifecycle.MAX_UNSUPPORTED} times at most, and then fails.",
    "A report is accepted, and tried again until one does, "
    f"{lifecycle.MAX_UNSUPPORTED} times at most; then it fails.",
)
"""The workers that are there begin such a report, and leave it to one of another version."""


def no_worker(workers: LiveWorkers, kind: str, *, is_defined: bool) -> NoWorker | None:
    """None where one may take a report of the kind. `is_defined`: by a definition."""
    if missing := none_there(workers):
        return missing
    return NONE_OFFERS if workers.offering(kind, is_defined=is_defined) == 0 else None


def none_there(workers: LiveWorkers) -> NoWorker | None:
    """None where there is one, of whatever kinds."""
    return None if workers.number else NONE_THERE


def no_worker_for(workers: LiveWorkers, kind: Kind) -> NoWorker | None:
    """The same of an installed kind."""
    return no_worker(workers, kind.name, is_defined=kind.is_defined)

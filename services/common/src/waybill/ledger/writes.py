"""What clients and workers ask the ledger to write, as data: so that many can be written together."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from waybill.domain import (
    AttemptTrace,
    Carrier,
    End,
    Fence,
    NewReport,
    Origin,
    Requeue,
    Retry,
    StepTaken,
    StoredArtefact,
)

UNKNOWN_ORIGIN = Origin("", -1, -1)
"""Of an end that leaves no dead letter."""


@dataclass(frozen=True)
class Acceptance:
    """A client requests a report."""

    new: NewReport


@dataclass(frozen=True)
class Claim:
    """A worker wants an attempt at a report that waits. `alone`: no other report runs in it. `spans` are
    stored for recovery; a report without a trace gets `carrier`."""

    report_id: UUID
    owner: str
    carrier: Carrier | None
    spans: AttemptTrace | None
    alone: bool


@dataclass(frozen=True)
class Heartbeat:
    """An attempt goes on."""

    fence: Fence


@dataclass(frozen=True)
class Steps:
    """Steps of an attempt began or ended: each is a change with a version and an event of its own."""

    fence: Fence
    taken: Sequence[StepTaken]


@dataclass(frozen=True)
class Conclusion:
    """An attempt ended, after `steps` that were not written yet. A report that is to be cancelled is, unless
    the attempt ended well. `origin`, the command's, is for the dead letter of one that is exhausted.
    `has_step_results`: steps of the report have stored some."""

    fence: Fence
    decision: End | Retry | Requeue
    steps: Sequence[StepTaken] = ()
    artefacts: Sequence[StoredArtefact] = ()
    origin: Origin = UNKNOWN_ORIGIN
    has_step_results: bool = False


Write = Acceptance | Claim | Heartbeat | Steps | Conclusion

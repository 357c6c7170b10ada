"""One action on many reports, asked for at once and done in parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from waybill.domain.access import Owner, Scope
from waybill.domain.audit import Actor
from waybill.domain.report import TERMINAL, Status

MAX_REASONS: Final = 20
"""Reports that an operation names with the reason why it has left them as they were."""


class OperationAction(StrEnum):
    """What is done to each of the reports."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


class OperationState(StrEnum):
    """Where an operation is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """A fault of ours has ended it."""


POSSIBLE: Final[Mapping[OperationAction, frozenset[Status]]] = {
    OperationAction.CANCEL: frozenset({Status.INIT, Status.PROCESSING}),
    OperationAction.RETRY: frozenset({Status.FAIL, Status.CANCELLED}),
    OperationAction.DELETE: TERMINAL,
}
"""Where a report is to be for each of them."""


def possible(action: OperationAction, given: Collection[Status]) -> list[Status]:
    """The statuses of the reports that are meant, where these are given. Raises ValueError for one in which
    there is nothing to do."""
    for status in given:
        if status not in POSSIBLE[action]:
            those = ", ".join(one for one in Status if one in POSSIBLE[action])
            raise ValueError(f"to {action}, a report must be in one of {those}: leave out {status}")
    return [status for status in Status if status in (given or POSSIBLE[action])]


class Untouched(StrEnum):
    """What became of a report that an operation has left as it was."""

    SKIPPED = "skipped"
    """The action does not apply to it, or no longer."""
    FAILED = "failed"
    """It was tried in vain."""


@dataclass(frozen=True)
class Reason:
    """Why a report was left as it was."""

    report_id: UUID
    outcome: Untouched
    reason: str


@dataclass(frozen=True)
class Operation:
    """`owner` and `credential` are those of the client that asked for it; `scope` is whose reports it may
    touch. `matched`: how many reports fit when it was asked for, as far as they were counted; `matched_more`:
    there may be more. `reasons`: of the first that were left as they were."""

    id: UUID
    action: OperationAction
    owner: Owner
    credential: str
    scope: Scope
    state: OperationState
    matched: int
    matched_more: bool
    done: int
    skipped: int
    failed: int
    reasons: Sequence[Reason]
    error: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @property
    def handled(self) -> int:
        """The reports that it is through with."""
        return self.done + self.skipped + self.failed

    @property
    def actor(self) -> Actor | None:
        """For the audit; None of a client that was not known."""
        return Actor(self.owner, self.credential) if self.credential else None

"""A report, its status, and what may happen to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from waybill.domain.access import UNKNOWN_OWNER, Owner
from waybill.domain.audit import Action, Actor, AuditEvent
from waybill.domain.carrier import Carrier
from waybill.domain.failures import Failure
from waybill.domain.step_results import StepResult


class Status(StrEnum):
    """Where a report is."""

    INIT = "init"
    """Accepted; waits in the outbox, in Kafka or for its retry."""
    PROCESSING = "processing"
    """A worker holds its lease."""
    DONE = "done"
    FAIL = "fail"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.INIT: frozenset({Status.PROCESSING, Status.FAIL, Status.CANCELLED}),
    # back to init: a retry, or an attempt that was released or lost
    Status.PROCESSING: frozenset({Status.INIT, Status.DONE, Status.FAIL, Status.CANCELLED}),
    Status.DONE: frozenset(),
    # only by a redrive, which a person requests
    Status.FAIL: frozenset({Status.INIT}),
    Status.CANCELLED: frozenset({Status.INIT}),
}
"""Every legal change of status."""

TERMINAL = frozenset({Status.DONE, Status.FAIL, Status.CANCELLED})
"""Where a report stays unless it is redriven."""


class StepStatus(StrEnum):
    """Where a step is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class StepChange:
    """One step that began or ended; `duration_ms` and `error` only where it ended. `reused_from_attempt`: the
    attempt that has stored its result, so that it does not run again."""

    name: str
    status: StepStatus
    duration_ms: int | None = None
    error: str | None = None
    reused_from_attempt: int | None = None

    @property
    def reused(self) -> bool:
        return self.reused_from_attempt is not None


@dataclass(frozen=True)
class Progress:
    """How far an attempt is: the step that changed last, and how many of `total` have ended."""

    step: str
    done: int
    total: int

    def after(self, change: StepChange) -> "Progress":
        ended = change.status is not StepStatus.RUNNING
        return Progress(change.name, self.done + ended, max(self.total, self.done + 1))


@dataclass(frozen=True)
class StepTaken:
    """A step began or ended, and how far the attempt is then. `result` is stored with it."""

    change: StepChange
    progress: Progress
    result: StepResult | None = None


@dataclass(frozen=True)
class StoredArtefact:
    """A file that a report produced, where it is kept. `size` in bytes; `sha256` in hex; `output` is which of
    the kind's outputs it is, if it is one."""

    key: str
    filename: str
    media_type: str
    size: int
    sha256: str
    output: str | None = None


NORMAL_PRIORITY = 3
"""Of 1 to 5: those of 1 are first among the reports of their owner that wait."""


@dataclass(frozen=True)
class NewReport:
    """A report as it is requested. `source` names the external message it came from, if one did; `timeout`
    is the requester's own limit for an attempt; `webhook` the URL that is called when it has ended."""

    id: UUID
    kind: str
    parameters: Mapping[str, Any]
    carrier: Carrier | None
    source: str | None = None
    timeout: timedelta | None = None
    owner: Owner = UNKNOWN_OWNER
    actor: Actor | None = None
    priority: int = NORMAL_PRIORITY
    definition: str | None = None
    """The digest of the kind's definition, if it has one."""
    outputs: Sequence[str] | None = None
    """The names of the files that are wanted; None: what the kind makes by itself."""
    tags: Sequence[str] | None = None
    rerun_of: UUID | None = None
    """The report that is requested again, maybe with other parameters."""
    webhook: str | None = None


@dataclass(frozen=True)
class Origin:
    """Where a message stood in Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class AttemptTrace:
    """The spans of an attempt that its worker ends, so that another can end them if that worker dies.

    `parent` is what report_consumer is a child of; times in nanoseconds since 1970; `origin` is the command.
    `attempt` is None until the claim, and where a process of an earlier version wrote it down.
    """

    origin: Origin
    parent: Carrier | None
    report_consumer: Carrier
    report_consumer_start: int
    handle_report: Carrier
    handle_report_start: int
    queue_time_ms: int = 0
    attempt: int | None = None
    client_id: str = ""
    """Of the worker's consumer, as are `group` and `bootstrap_servers`; empty where an earlier version wrote
    it."""
    group: str = ""
    bootstrap_servers: str = ""
    published_at: int = 0
    """When the command was, as Kafka says; 0 where it is not known, here and below."""
    read_at: int = 0
    """When the worker read the command."""


@dataclass(frozen=True)
class Report:
    """A row of `reports`. `version` counts every change, from 1; `attempt` counts every claim.

    Of the attempts, `failures` ended in an error, and `losses` in silence: their worker died, or was cut
    off past its lease. `interruptions` count for nothing: the worker stopped, or could not run this kind.
    """

    id: UUID
    kind: str
    parameters: Mapping[str, Any]
    status: Status
    version: int
    attempt: int
    progress: Progress | None
    failure: Failure | None
    artefact: StoredArtefact | None
    """The first of `artefacts`."""
    carrier: Carrier | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None = None
    failures: int = 0
    losses: int = 0
    interruptions: int = 0
    cancel_requested: bool = False
    timeout: timedelta | None = None
    attempt_trace: AttemptTrace | None = None
    owner: Owner = UNKNOWN_OWNER
    priority: int = NORMAL_PRIORITY
    awaits_kind: bool = False
    """Its kind is paused, or has a limit: it waits until it may have a turn."""
    definition: str | None = None
    outputs: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    rerun_of: UUID | None = None
    artefacts: Sequence[StoredArtefact] = ()
    webhook: str | None = None
    """The URL that is called when it has ended. Its query may hold a secret: see `shown_url`."""
    has_step_results: bool = False
    """Whether steps of attempts before this one have stored results. Only a claim finds out."""

    def audit_event(self, actor: Actor | None, action: Action) -> AuditEvent | None:
        """What a client does to it; None of one that is not known."""
        if actor is None:
            return None
        trace_id = self.carrier.trace_id if self.carrier else None
        return AuditEvent(actor, action, self.owner.tenant, self.id, trace_id=trace_id)

    def client_view(self) -> dict[str, Any]:
        """Its fields by the names that clients know; a resource or an event takes those that it shows."""
        return {
            **vars(self),
            "error": self.failure,
            "tenant": self.owner.tenant,
            "owner": self.owner.name,
            "trace_id": self.carrier.trace_id if self.carrier else None,
        }


@dataclass(frozen=True)
class Fence:
    """What a worker must still hold for a write of its attempt to count."""

    report_id: UUID
    attempt: int
    owner: str

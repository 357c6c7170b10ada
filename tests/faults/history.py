"""What happened in a run, as it was recorded: from clients, the database, Kafka, the files and the traces.

Plain values without I/O: `recording` fills them in, `checker` judges them. Times are seconds since 1970.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Accepted:
    """A client got a 202. `request` is the client's own name for what it asked, the same at every retry."""

    report_id: str
    request: str


@dataclass(frozen=True)
class Observed:
    """A client read the report's status over HTTP."""

    report_id: str
    version: int
    status: str


@dataclass(frozen=True)
class Told:
    """One event of a status stream."""

    version: int
    status: str


@dataclass(frozen=True)
class Stream:
    """All that one client was told of one report, over as many connections as it took.

    `ended` says that the server has closed the stream after a terminal status.
    """

    client: str
    report_id: str
    told: tuple[Told, ...]
    ended: bool = True


@dataclass(frozen=True)
class Pointer:
    """A row's artefact: where its file is, and what its content must be."""

    key: str
    sha256: str


@dataclass(frozen=True)
class Row:
    """A row of `reports` at the end."""

    report_id: str
    request: str
    status: str
    version: int
    attempt: int
    artefact: Pointer | None
    trace_id: str | None
    created_at: float
    finished_at: float | None
    failures: int = 0
    losses: int = 0
    interruptions: int = 0


@dataclass(frozen=True)
class Event:
    """A row of `report_events`. `type` is `status` or `step`."""

    report_id: str
    version: int
    type: str
    status: str
    attempt: int
    at: float
    sha256: str | None = None
    """Of the artefact that the event names."""
    failure: str | None = None
    """The type of the failure that the event names: so it tells the end of an attempt that failed."""


@dataclass(frozen=True)
class Published:
    """A message on the topic `report-status`."""

    version: int
    status: str


@dataclass(frozen=True)
class Effect:
    """What one attempt did to the world: a row that the job itself writes, in no transaction of Waybill's.

    `worker` is the pid of the report-worker whose slot ran it; `finished_at` is None where it did not get
    to its end.
    """

    report_id: str
    attempt: int
    worker: int
    finished_at: float | None
    started_at: float = 0.0


@dataclass(frozen=True)
class DeadLetter:
    """A row of `dead_letters`. `source` names the message it came from; `key` is its own on the topic."""

    reason: str
    source: str
    report_id: str | None = None
    key: str = ""


@dataclass(frozen=True)
class Span:
    """A span of a report's trace, as Jaeger has it."""

    span_id: str
    parent_id: str | None
    name: str
    start: float
    queue_seconds: float = 0.0
    """For a consumer's: for how long its message was in Kafka."""


@dataclass(frozen=True)
class SpanLoss:
    """Why spans may be missing: what was not sent out between `since` and `until` is gone.

    `worker` is the pid of the report-worker that was killed, where it was one: it explains the spans of the
    reports that this worker ran.
    """

    since: float
    until: float
    reason: str
    worker: int | None = None


@dataclass(frozen=True)
class History:
    """One fault's run, whole."""

    accepted: tuple[Accepted, ...] = ()
    observed: tuple[Observed, ...] = ()
    streams: tuple[Stream, ...] = ()
    rows: tuple[Row, ...] = ()
    events: tuple[Event, ...] = ()
    published: Mapping[str, tuple[Published, ...]] = field(default_factory=dict)
    """By report id: all that the topic holds of it, in its order."""
    topic_lost_at: float | None = None
    """When Kafka lost all its data, if it did: what was told before is not expected on the topic."""
    outbox: tuple[str, ...] = ()
    """Keys of the messages that still wait when all should be published."""
    effects: tuple[Effect, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()
    expected_dead_letters: Mapping[str, str] = field(default_factory=dict)
    """By source: the reason that a message which was made unreadable must be kept with."""
    letters_on_topic: frozenset[str] = frozenset()
    """The keys that the topic `report-dead-letter` holds."""
    given_up: Mapping[str, str] = field(default_factory=dict)
    """By id: the reports that must use up their attempts, and the reason that their dead letters give."""
    failing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By report id: the types of the failures with which its attempts must end; no other's may fail."""
    may_fail: frozenset[str] = frozenset()
    """Types of failures with which any attempt may end."""
    handed_back: frozenset[str] = frozenset()
    """Ids of the reports that workers had in hand which were told to stop (SIGTERM)."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The sha256 of every file that a row points to, by key; without those that are not there."""
    traces: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """By report id, of those reports whose trace was read."""
    span_losses: tuple[SpanLoss, ...] = ()
    expected: Mapping[str, str] = field(default_factory=dict)
    """By report id: the status with which a report must end."""
    ended_by: float = float("inf")
    """By when every report must have ended."""


def failures(events: Iterable[Event]) -> dict[str, tuple[str, ...]]:
    """By report id: with what its attempts have failed."""
    found: dict[str, tuple[str, ...]] = {}
    for event in events:
        if event.failure:
            found[event.report_id] = (*found.get(event.report_id, ()), event.failure)
    return found

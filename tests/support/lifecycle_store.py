"""The store in the test's own process: on a database of its own, with times that the test chooses."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from waybill.artefacts import ArtefactStore
from waybill.domain import (
    AttemptTrace,
    Carrier,
    EvidencePolicy,
    LeasePolicy,
    Origin,
    Report,
    RetentionPolicy,
    RetryPolicy,
)
from waybill.ledger import (
    ApiKeys,
    ArtefactPreviews,
    ChoiceLists,
    Committed,
    DeadLetters,
    Deleting,
    Estimates,
    KindLimits,
    Ledger,
    Limits,
    Nowhere,
    Operations,
    Overview,
    ParameterSets,
    Published,
    Recovery,
    ReportLogs,
    Retention,
    SavedViews,
    Transactions,
    Webhooks,
)
from waybill.messages import DeadLetter
from waybill.store import TaskLease, WorkerRow, create_engine
from waybill.topics import Topics

ORIGIN = Origin("report", 3, 41)

_OUTBOX = ("publications", "outbox")
_OTHERS = (
    *("dead_letters", "maintenance_leases", "workers", "api_keys", "audit"),
    *("limits", "kind_limits", "request_rates", "kept_bytes", "open_streams"),
    *("parameter_sets", "saved_views", "operations"),
)
_TIMES = {
    "reports": "lease_expires_at not_before enqueue_at finished_at created_at updated_at started_at",
    "idempotency_keys": "created_at",
    "dead_letters": "created_at redriven_at",
    "outbox": "created_at",
    "publications": "created_at",
    "report_changes": "at",
    "api_keys": "created_at expires_at last_used_at revoked_at",
    "audit": "at",
    "request_rates": "paid_until",
    "open_streams": "seen_at",
    "webhook_deliveries": "next_try_at",
    "operations": "created_at finished_at",
    "step_results": "created_at done_at",
}


@dataclass(frozen=True)
class Policies:
    """What the parts below get from settings in a service."""

    lease: LeasePolicy = LeasePolicy()  # noqa: RUF009 - frozen
    retry: RetryPolicy = RetryPolicy()  # noqa: RUF009 - frozen
    retention: RetentionPolicy = RetentionPolicy()  # noqa: RUF009 - frozen
    evidence: EvidencePolicy = EvidencePolicy()  # noqa: RUF009 - frozen
    requeue_after: timedelta = timedelta(minutes=15)
    topics: Topics = Topics()  # noqa: RUF009 - frozen


class Store:
    """Everything that changes reports, over one engine."""

    def __init__(self, engine: Engine, artefacts: ArtefactStore, policies: Policies) -> None:
        self.engine = engine
        self.artefacts = artefacts
        self.committed: list[Committed] = []
        self.hand_over: Callable[[Committed], object] = self.committed.append
        """Gets what each transaction has left to be published."""
        self.topics = policies.topics
        self.transactions = Transactions(
            engine, policies.topics, _Handing(lambda left: self.hand_over(left)), policies.requeue_after
        )
        self.lease = policies.lease
        self.ledger = Ledger(self.transactions, policies.lease)
        self.trimmed: list[tuple[str, int]] = []
        self.dead_letters = DeadLetters(
            self.transactions, policies.evidence, lambda why, count: self.trimmed.append((why, count))
        )
        self.api_keys = ApiKeys(self.transactions)
        self.limits = Limits(self.transactions)
        self.choice_lists = ChoiceLists(self.transactions)
        self.overview = Overview(self.transactions)
        self.previews = ArtefactPreviews(self.transactions)
        self.report_logs = ReportLogs(self.transactions)
        self.kind_limits = KindLimits(self.transactions)
        self.parameter_sets = ParameterSets(self.transactions)
        self.saved_views = SavedViews(self.transactions)
        self.webhooks = Webhooks(self.transactions)
        self.deleting = Deleting(self.transactions, artefacts)
        self.operations = Operations(self.transactions, self.deleting)
        self.estimates = Estimates(self.transactions)
        self.recovery = Recovery(self.transactions, policies.retry)
        self.retention = Retention(self.transactions, policies.retention)

    @property
    def handed_over(self) -> list[str]:
        """The keys of what was left to be published, in its order."""
        return [entry.key for left in self.committed for entry in left.entries]

    def claim(
        self,
        report_id: UUID,
        owner: str = "the test",
        spans: AttemptTrace | None = None,
        *,
        alone: bool = True,
    ) -> Report | None:
        """By a worker in which nothing else runs, unless `alone` is False."""
        return self.ledger.claim(report_id, owner, attempt_trace=spans, alone=alone)

    def has_worker(
        self, slots: int, partitions: int = 0, kinds: Sequence[str] | None = None, name: str = "a worker"
    ) -> None:
        """There is one, and it is idle; its row is as if it had been written just now."""
        WorkerRow(self.engine, name, slots, kinds).write(partitions)

    def limit(self, level: str, tenant: str = "", owner: str = "", **values: int) -> None:
        """What a tenant or an owner may have under way; without names, each of them."""
        columns = ", ".join(values)
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    f"INSERT INTO limits (level, tenant, owner, {columns})"  # noqa: S608 - ours
                    f" VALUES (:level, :tenant, :owner, :{', :'.join(values)})"
                ),
                {"level": level, "tenant": tenant, "owner": owner, **values},
            )

    def lease_of_task(self, task: str, length: timedelta) -> TaskLease:
        """For maintenance in the test's own process."""
        return TaskLease(self.engine, task, "the test", length)

    def pass_time(self, duration: timedelta) -> None:
        """Moves every time in the database back, since its clock cannot be moved on."""
        with self.engine.begin() as connection:
            for table, columns in _TIMES.items():
                changes = ", ".join(f"{column} = {column} - :duration" for column in columns.split())
                connection.execute(text(f"UPDATE {table} SET {changes}"), {"duration": duration})  # noqa: S608

    def forget_messages(self) -> None:
        """As if everything that waits for it had been published."""
        with self.engine.begin() as connection:
            for table in _OUTBOX:
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - ours

    def empty(self) -> None:
        with self.engine.begin() as connection:
            # the others belong to reports
            for table in ("reports", *_OUTBOX, *_OTHERS):
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - ours


class _Handing(Nowhere):
    """Publishes nothing itself."""

    def __init__(self, hand_over: Callable[[Committed], object]) -> None:
        self._hand_over = hand_over

    def committed(self, done: Published, left: Committed) -> None:  # noqa: ARG002 - as others have it
        if left.entries:
            self._hand_over(left)


@contextmanager
def own_database(server_url: str, name: str) -> Iterator[str]:
    """A new, empty database on the same server; it is gone afterwards. Nothing in it survives a crash."""
    unique = f"{name}_{uuid4().hex[:8]}"
    server = sqlalchemy.create_engine(
        make_url(server_url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_pre_ping=True,  # other tests restart the server meanwhile
    )
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {unique}"))
            connection.execute(text(f"ALTER DATABASE {unique} SET synchronous_commit = off"))
        yield make_url(server_url).set(database=unique).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {unique} WITH (FORCE)"))
    finally:
        server.dispose()


@contextmanager
def engine_of(url: str, pool_size: int = 5, application: str = "tests") -> Iterator[Engine]:
    engine = create_engine(url, application=application, pool_size=pool_size)
    try:
        yield engine
    finally:
        engine.dispose()


def attempt_trace(number: int = 1) -> AttemptTrace:
    """The spans of an attempt, as its worker has them before the claim; they need not be anywhere."""
    return AttemptTrace(
        origin=ORIGIN,
        parent=None,
        report_consumer=Carrier(f"00-{'a' * 32}-{number:016x}-01"),
        report_consumer_start=1,
        handle_report=Carrier(f"00-{'a' * 32}-{number + 1000:016x}-01"),
        handle_report_start=2,
    )


def columns_of(letter: DeadLetter | None) -> tuple[str, int | None] | None:
    return (letter.reason, letter.attempts) if letter else None


def seen(report: Report) -> tuple[object, ...]:
    """As `lifecycle_model.Row.told`."""
    return (
        report.status,
        report.version,
        report.attempt,
        report.failures,
        report.losses,
        report.cancel_requested,
        report.artefact.key if report.artefact else None,
    )

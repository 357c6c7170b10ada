"""The tables. What the code must not do, the database refuses: see the constraints and unique indexes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    column,
    func,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from waybill.domain import (
    ANONYMOUS,
    DEFAULT_TENANT,
    NORMAL_PRIORITY,
    TERMINAL,
    DeliveryStatus,
    OperationState,
    Status,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

AWAITS = (
    "CASE WHEN (enqueue_at = not_before) THEN 'retry'::text"
    " WHEN (enqueue_at > created_at) THEN 'claim'::text ELSE 'room'::text END"
)
"""Of a report in `init`: what it waits for. For its retry, until `not_before`. For a claim: it has a command,
and gets another one if that was lost by `enqueue_at`. For room: it gets its command once few others have one;
what was requested first is first, by `enqueue_at`, which is then the time of the request."""

FOR_KIND_UNTIL = "'9999-12-31 00:00:00+00'::timestamp with time zone"
AWAITS_KIND = "not_before >= '9000-01-01 00:00:00+00'::timestamp with time zone"
"""Of a report in `init`: whether it waits for its kind, which is paused or has a limit. Then `enqueue_at` and
`not_before` are `FOR_KIND_UNTIL`: like a retry that is never due, so that processes of the version before,
which know no limits, leave it alone. It gets its command straight from there."""

ENQUEUE_LATER = "now() + interval '15 minutes'"
"""For reports that a process of the version before inserts."""


def _among(statuses: object) -> str:
    return ", ".join(f"'{status}'" for status in sorted(statuses))  # type: ignore[call-overload]


def _time(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


reports = Table(
    "reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    # who requested it: see `waybill.domain.Owner`
    Column("tenant", Text, nullable=False, server_default=DEFAULT_TENANT),
    Column("owner", Text, nullable=False, server_default=ANONYMOUS),
    # of those that wait, the lowest is first among its owner's
    Column("priority", SmallInteger, nullable=False, server_default=text(str(NORMAL_PRIORITY))),
    Column("kind", Text, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("status", Text, nullable=False, server_default=Status.INIT),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    # of the attempts: released, which count for nothing; ended in an error; lost with their worker
    Column("interruptions", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),
    # a retry waits until then
    _time("not_before"),
    # says what a report in `init` waits for, and until when, or since when: see `AWAITS`
    Column("enqueue_at", DateTime(timezone=True), server_default=text(ENQUEUE_LATER)),
    _time("cancel_requested_at"),
    Column("timeout_seconds", Float),
    Column("attempt_trace", JSONB(none_as_null=True)),
    Column("progress", JSONB(none_as_null=True)),
    Column("failure", JSONB(none_as_null=True)),
    Column("artefact", JSONB(none_as_null=True)),
    # all of them, where there are several or outputs are named: see `waybill.store.statements.artefacts`
    Column("artefacts", JSONB(none_as_null=True)),
    # of the definition that it was requested with, if its kind is one
    Column("definition", Text),
    # as it was requested: the names of outputs, tags, and the report that it repeats
    Column("outputs", ARRAY(Text)),
    Column("tags", ARRAY(Text)),
    Column("rerun_of", Uuid),
    Column("traceparent", Text),
    Column("tracestate", Text),
    Column("lease_owner", Text),
    _time("lease_expires_at"),
    # the URL that is called when it has ended: see `webhook_deliveries`
    Column("webhook", Text),
    # the external message that requested the report, so that it does so once
    Column("source", Text, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    _time("started_at"),
    _time("finished_at"),
    CheckConstraint(f"status IN ({_among(Status)})", name="status"),
    CheckConstraint(
        f"(status = '{Status.PROCESSING}') = (lease_owner IS NOT NULL AND lease_expires_at IS NOT NULL)",
        name="lease",
    ),
    CheckConstraint(f"(status IN ({_among(TERMINAL)})) = (finished_at IS NOT NULL)", name="finished"),
    # for lists, newest first: of all, of a kind, of a status; an entry of each change of a report
    Index("reports_kind_status_created_at_idx", "kind", "status", "created_at"),
    # the same of one tenant, and of one owner; nothing of what is requested without a credential
    Index(
        "reports_tenant_kind_status_created_at_idx",
        *("tenant", "kind", "status", "created_at"),
        postgresql_where=text(f"tenant <> '{DEFAULT_TENANT}'"),
    ),
    Index(
        "reports_owner_kind_status_created_at_idx",
        *("tenant", "owner", "kind", "status", "created_at"),
        postgresql_where=text(f"owner <> '{ANONYMOUS}'"),
    ),
    Index(
        "reports_lease_idx",
        "lease_expires_at",
        postgresql_where=text(f"status = '{Status.PROCESSING}'"),
    ),
    Index(
        "reports_awaits_idx",
        text(f"({AWAITS})"),
        "enqueue_at",
        postgresql_where=text(f"status = '{Status.INIT}' AND ({AWAITS}) <> 'room'::text"),
    ),
    # in the order in which those that wait for room get it
    Index(
        "reports_room_idx",
        *("tenant", "owner", "priority", "enqueue_at"),
        postgresql_where=text(f"status = '{Status.INIT}' AND ({AWAITS}) = 'room'::text"),
    ),
    # those that wait for their kind, in the order in which they are let go
    Index(
        "reports_kind_wait_idx",
        *("kind", "tenant", "owner", "priority", "created_at"),
        postgresql_where=text(f"status = '{Status.INIT}' AND {AWAITS_KIND}"),
    ),
    # those that wait for a retry, which few do, of one tenant or owner
    Index(
        "reports_retry_idx",
        *("tenant", "owner"),
        postgresql_where=text(f"status = '{Status.INIT}' AND ({AWAITS}) = 'retry'::text"),
    ),
    Index(
        "reports_cancel_idx",
        "lease_owner",
        postgresql_where=text("cancel_requested_at IS NOT NULL AND lease_owner IS NOT NULL"),
    ),
    Index("reports_finished_idx", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
)

# The text of each definition that a report was requested with, by its SHA-256 in hex.
definitions = Table(
    "definitions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    # of the whole request, so that a key cannot be used for another one
    Column("request_sha256", Text, nullable=False),
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False, index=True),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
        index=True,
    ),
)

# Each change of a report: what its event has that is not null and not in the row.
report_changes = Table(
    "report_changes",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("type", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

# What the jobs of a report have printed and logged, some lines in each row: see `waybill.domain.report_logs`.
report_logs = Table(
    "report_logs",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    # the number of the first line among the attempt's
    Column("line", BigInteger, primary_key=True),
    Column("lines", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("records", JSONB, nullable=False),
)

# What steps have left for a later attempt: a value, the text of some JSON, or a file in the artefact store.
step_results = Table(
    "step_results",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Text, primary_key=True),
    # of what the step was made from: see `waybill.domain.work_digest`
    Column("digest", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("value", Text),
    Column("key", Text),
    # in the attempt's directory
    Column("path", Text),
    Column("size", BigInteger),
    Column("sha256", Text),
    # the span of the step that made it
    Column("traceparent", Text),
    Column("tracestate", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    # since when nothing needs it, though its file is there
    _time("done_at"),
    CheckConstraint("(value IS NULL) = (key IS NOT NULL)", name="value"),
    CheckConstraint(
        "key IS NULL OR (path IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL)", name="file"
    ),
    Index("step_results_done_idx", "done_at", postgresql_where=text("done_at IS NOT NULL")),
)

# The first rows of a file, as JSON, by the attempt that stored it.
artefact_previews = Table(
    "artefact_previews",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("filename", Text, primary_key=True),
    Column("content", Text, nullable=False),
)

# Of definitions whose parameters have choices that come from a query: those that a client has looked at.
choice_lists = Table(
    "choice_lists",
    metadata,
    # of the definition's text
    Column("digest", Text, primary_key=True),
    Column("wanted_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    # when a worker has asked the sources, and what they answered, as JSON
    _time("read_at"),
    Column("content", Text),
)

report_events = table(
    "report_events",
    column("report_id", Uuid),
    column("version", Integer),
    column("type", Text),
    column("data", JSONB),
    column("at", DateTime(timezone=True)),
)
"""A view: each change with its whole event, as it was published. Also the table's name in the version before,
whose processes read it and write to it."""

# The outbox has two tables. What changes of reports have to publish is in their events already: a row here
# says which versions, and whether a command goes with them.
publications = Table(
    "publications",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("first_version", Integer, primary_key=True),
    # a command alone has none: the first is then behind the last
    Column("last_version", Integer, primary_key=True),
    Column("command", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

# Messages with a value of their own: dead letters, tombstones, and all of processes of the version before.
outbox = Table(
    "outbox",
    metadata,
    # Ids of one key commit in their order, because every change of a report holds its row; ids of
    # different keys may not.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    # null for a tombstone, which tells a compacted topic to forget the key
    Column("value", JSONB(none_as_null=True)),
    Column("traceparent", Text),
    Column("tracestate", Text),
    # whether publishing it is a span of the trace, as it is for a command
    Column("traced", Boolean, nullable=False, server_default="false"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("outbox_key_id_idx", "key", "id"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("report_id", Uuid),
    # the report's; null for a message, which may be anybody's
    Column("tenant", Text),
    Column("owner", Text),
    # as in reports: the same message read twice, after a crash before its offset was committed, is one
    Column("source", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", JSONB, nullable=False, server_default="[]"),
    Column("traceparent", Text),
    Column("tracestate", Text),
    # of a message: size and SHA-256, in hex, of its value, of which the beginning may be kept, or nothing
    Column("value_size", BigInteger),
    Column("value_sha256", Text),
    _time("trimmed_at"),
    # of a report that used up its attempts
    Column("attempts", Integer),
    Column("stack", Text),
    _time("redriven_at"),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
        index=True,
    ),
)

# Of each end of a report that has a webhook: whether it was called. A trigger on `reports` writes the row, in
# whichever statement ends the report, also in one of a process of the version before.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    # host and port of the URL, of which each has its share of the tries
    Column("host", Text, nullable=False),
    # its row as it was then, without what belongs to its attempts; null once there is no other try
    Column("report", JSONB(none_as_null=True)),
    Column("status", Text, nullable=False, server_default=DeliveryStatus.PENDING),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # of one that is being tried: when another process may
    _time("next_try_at"),
    Column("last_status", Integer),
    Column("last_error", Text),
    CheckConstraint(f"status IN ({_among(DeliveryStatus)})", name="status"),
    Index(
        "webhook_deliveries_due_idx",
        *("host", "next_try_at"),
        postgresql_where=text("next_try_at IS NOT NULL"),
    ),
)

maintenance_leases = Table(
    "maintenance_leases",
    metadata,
    Column("task", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    # of the processes that could hold it, the one that should has the lowest
    Column("rank", Integer, nullable=False),
    _time("expires_at", nullable=False),
    # After a crash of the server they are taken again: renewing them costs neither WAL nor a sync.
    prefixes=["UNLOGGED"],
)

# How many commands may be in Kafka at once depends on those that are there to claim them.
workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slots", Integer, nullable=False),
    # of the topic `report`, those that are assigned to it
    Column("partitions", Integer, nullable=False),
    # that are installed there; null: not known, as of a worker of an earlier version
    Column("kinds", ARRAY(Text)),
    _time("seen_at", nullable=False),
    # as above: each writes its row again soon
    prefixes=["UNLOGGED"],
)

# By which the API knows its clients: of the secret only the hash is kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_sha256", LargeBinary, nullable=False),
    # for people: what it is for
    Column("name", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    _time("expires_at"),
    # to the minute
    _time("last_used_at"),
    _time("revoked_at"),
)

# Rows are added, and never changed; what is old enough is removed by a function that may.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp(), index=True),
    Column("actor_tenant", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("action", Text, nullable=False),
    # whose report or key it was done to
    Column("tenant", Text, nullable=False),
    Column("report_id", Uuid, index=True),
    Column("subject", Text),
    Column("trace_id", Text),
    Index("audit_tenant_id_idx", "tenant", "id"),
)

# How much tenants and owners may have at once: see `waybill.domain.limits`. A name may be '', for each that
# has no value of its own, and a value null, where there is no limit.
limits = Table(
    "limits",
    metadata,
    Column("level", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("weight", SmallInteger),
    Column("max_queued", Integer),
    Column("max_running", Integer),
    Column("max_requests_per_minute", Integer),
    Column("max_streams", Integer),
    Column("max_kept_bytes", BigInteger),
    CheckConstraint("level IN ('tenant', 'owner')", name="level"),
    CheckConstraint("owner = '' OR (level = 'owner' AND tenant <> '')", name="owner"),
    CheckConstraint("weight BETWEEN 1 AND 100", name="weight"),
    CheckConstraint(
        "least(max_queued, max_running, max_requests_per_minute, max_streams, max_kept_bytes) >= 0",
        name="least",
    ),
)

kind_limits = Table(
    "kind_limits",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("max_running", Integer),
    _time("paused_at"),
    Column("paused_by", Text),
    Column("reason", Text),
    CheckConstraint("max_running >= 0", name="max_running"),
)

# Parameters of kinds that owners keep under names; those that are shared, for their tenant.
parameter_sets = Table(
    "parameter_sets",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("parameters", JSONB, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("parameter_sets_shared_idx", "tenant", "kind", "name", postgresql_where=text("shared")),
)

# Filters of the list of reports that owners keep under names; those that are shared, for their tenant.
saved_views = Table(
    "saved_views",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("fields", JSONB, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("saved_views_shared_idx", "tenant", "name", postgresql_where=text("shared")),
)

# One action on many reports, which is done in parts: see `waybill.domain.operations`.
operations = Table(
    "operations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("action", Text, nullable=False),
    # who has asked for it, and whose reports it may touch: null for any
    Column("tenant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("scope_tenant", Text),
    Column("scope_owner", Text),
    # which reports are meant, where no ids were given
    Column("wanted", JSONB(none_as_null=True)),
    # those that were given or found, and are still to be done
    Column("pending", ARRAY(Uuid), nullable=False, server_default="{}"),
    # the last that was found: the others are behind it; and whether that was the last of all
    _time("place_at"),
    Column("place_id", Uuid),
    Column("all_found", Boolean, nullable=False, server_default="false"),
    Column("state", Text, nullable=False, server_default=OperationState.RUNNING),
    Column("matched", Integer, nullable=False),
    Column("matched_more", Boolean, nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("reasons", JSONB, nullable=False, server_default="[]"),
    # why a fault has ended it
    Column("error", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    _time("finished_at"),
    CheckConstraint(f"state IN ({_among(OperationState)})", name="state"),
    Index(
        "operations_running_idx",
        "updated_at",
        postgresql_where=text(f"state = '{OperationState.RUNNING}'"),
    ),
    Index("operations_finished_idx", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
)

# What is used of limits: rows of those alone who have such a limit, here and below.
request_rates = Table(
    "request_rates",
    metadata,
    Column("level", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    # when none of their requests counts any more: each counts for its share of a minute
    _time("paid_until", nullable=False),
    # After a crash of the server all are as if they had requested nothing.
    prefixes=["UNLOGGED"],
)

kept_bytes = Table(
    "kept_bytes",
    metadata,
    Column("level", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
)

open_streams = Table(
    "open_streams",
    metadata,
    Column("process", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("streams", Integer, nullable=False),
    _time("seen_at", nullable=False),
    # as above: each process writes its rows again soon
    prefixes=["UNLOGGED"],
)

"""What the role of each service may do in the database: the least that it needs, by table and column.

`waybill.store.grants` gives it, and each service checks that its role has it. A role may have more, as that
of an installation which has one role for everything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, Engine, text

from waybill.store.engine import unavailability_explained
from waybill.store.schema import UnsuitableDatabase

Columns = tuple[str, ...]

EVERY: Final[Columns] = ("*",)
"""The relation as a whole, with the columns that a later version adds."""


@dataclass(frozen=True)
class Right:
    """A privilege on a relation, or on one column of it."""

    relation: str
    privilege: str
    column: str | None = None


@dataclass(frozen=True)
class Access:
    """To one relation: the columns that are read, given in a new row, and changed; whether rows are removed.
    To lock a row, a role must be able to change some column of it."""

    select: Columns = ()
    insert: Columns = ()
    update: Columns = ()
    delete: bool = False

    def privileges(self) -> Iterator[tuple[str, Columns]]:
        """Each that is held, with its columns."""
        for name, columns in (("SELECT", self.select), ("INSERT", self.insert), ("UPDATE", self.update)):
            if columns:
                yield name, columns
        if self.delete:
            yield "DELETE", EVERY


@dataclass(frozen=True)
class Rights:
    """Of the role of `service`, besides the usage of the schema."""

    service: str
    relations: Mapping[str, Access]
    functions: tuple[str, ...] = ("remove_old_audit(interval, integer)",)

    def __iter__(self) -> Iterator[Right]:
        for relation, access in self.relations.items():
            for privilege, columns in access.privileges():
                for column in columns:
                    yield Right(relation, privilege, None if columns == EVERY else column)

    def grants(self) -> list[tuple[str, str]]:
        """Each as what stands between GRANT and TO, after what it is on."""
        found = [(name, _grant(name, access)) for name, access in self.relations.items()]
        return [*found, *((name, f"EXECUTE ON FUNCTION {name}") for name in self.functions)]


def _grant(relation: str, access: Access) -> str:
    held = (
        name if columns == EVERY else f"{name} ({', '.join(map(_quoted, columns))})"
        for name, columns in access.privileges()
    )
    return f"{', '.join(held)} ON {relation}"


def _quoted(column: str) -> str:
    return f'"{column}"' if column in _KEYWORDS else column


_KEYWORDS = {"offset", "partition"}

# --- what both do: recovery, retention, the relay, and the events of what they change ------------------

_CARRIER = ("traceparent", "tracestate")
_TAKEN_BACK = (
    *("status", "version", "updated_at", "losses", "progress", "failure"),
    *("finished_at", "enqueue_at", "lease_owner", "lease_expires_at"),
)
_ENDED = ("failures", "interruptions", "artefact", "artefacts", "not_before")
_REQUESTED = (
    *("id", "tenant", "owner", "priority", "kind", "parameters", "timeout_seconds", "enqueue_at"),
    *_CARRIER,
)
_GIVEN = ("definition", "outputs", "tags", "rerun_of")
_LETTER = (
    *("id", "reason", "detail", "report_id", "tenant", "owner", "source", "topic", "partition", "offset"),
    *("attempts", "stack", "traceparent"),
)
_OUTBOX: Mapping[str, Access] = {
    "report_changes": Access(insert=("report_id", "version", "type", "data", "at")),
    "publications": Access(
        select=EVERY,
        insert=("report_id", "first_version", "last_version", "command"),
        update=("created_at",),
        delete=True,
    ),
    "outbox": Access(
        select=EVERY,
        insert=("topic", "key", "value", "traced", *_CARRIER),
        update=("created_at",),
        delete=True,
    ),
}
_STEP_RESULT = (
    *("report_id", "step", "digest", "attempt", "value", "key", "path", "size", "sha256"),
    *_CARRIER,
)
_HOLDER = ("level", "tenant", "owner")
_LIMITS = ("weight", "max_queued", "max_running", "max_requests_per_minute", "max_streams", "max_kept_bytes")
_KEPT = Access(select=EVERY, insert=(*_HOLDER, "bytes"), update=("bytes",))
_MAINTENANCE: Mapping[str, Access] = {
    "maintenance_leases": Access(
        select=EVERY,
        insert=("task", "holder", "rank", "expires_at"),
        update=("holder", "rank", "expires_at"),
    ),
    "alembic_version": Access(select=EVERY),
}

# --- of each service ----------------------------------------------------------------------------------

API: Final = Rights(
    "producer-api",
    {
        "reports": Access(
            select=EVERY,
            insert=(*_REQUESTED, *_GIVEN, "webhook", "created_at", "updated_at", "not_before"),
            update=(*_TAKEN_BACK, *_ENDED, "cancel_requested_at"),
            delete=True,
        ),
        "report_events": Access(select=("report_id", "version", "type", "data")),
        "report_logs": Access(select=("report_id", "attempt", "line", "lines", "records")),
        "step_results": Access(select=("report_id", "done_at"), delete=True),
        "artefact_previews": Access(select=EVERY),
        "choice_lists": Access(select=EVERY, insert=("digest",), update=("wanted_at",)),
        **_OUTBOX,
        "idempotency_keys": Access(
            select=EVERY, insert=("key", "request_sha256", "report_id"), update=("created_at",), delete=True
        ),
        "definitions": Access(insert=("digest", "kind", "text")),
        "dead_letters": Access(
            select=(
                *(*_LETTER, "tracestate", "key", "value", "value_size", "value_sha256", "trimmed_at"),
                *("redriven_at", "created_at"),
            ),
            insert=_LETTER,
            update=("redriven_at",),
            delete=True,
        ),
        "api_keys": Access(
            select=EVERY,
            insert=(
                *("id", "secret_sha256", "name", "tenant", "owner", "roles", "created_by", "expires_at"),
            ),
            update=("secret_sha256", "last_used_at", "revoked_at"),
        ),
        "audit": Access(
            select=EVERY,
            insert=(
                *("actor_tenant", "actor", "credential", "action", "tenant", "report_id", "subject"),
                "trace_id",
            ),
        ),
        "webhook_deliveries": Access(
            select=EVERY,
            update=("status", "attempts", "next_try_at", "last_status", "last_error", "report"),
        ),
        "workers": Access(select=("slots", "partitions", "kinds", "seen_at")),
        "limits": Access(select=EVERY, insert=(*_HOLDER, *_LIMITS), update=_LIMITS, delete=True),
        "request_rates": Access(
            select=EVERY, insert=(*_HOLDER, "paid_until"), update=("paid_until",), delete=True
        ),
        "kept_bytes": replace(_KEPT, delete=True),
        "open_streams": Access(
            select=EVERY,
            insert=("process", "tenant", "owner", "streams", "seen_at"),
            update=("streams", "seen_at"),
            delete=True,
        ),
        **_MAINTENANCE,
        "parameter_sets": Access(
            select=EVERY,
            insert=("tenant", "kind", "owner", "name", "parameters", "shared"),
            update=("parameters", "shared", "updated_at"),
            delete=True,
        ),
        "saved_views": Access(
            select=EVERY,
            insert=("tenant", "owner", "name", "fields", "shared"),
            update=("fields", "shared", "updated_at"),
            delete=True,
        ),
        "operations": Access(
            select=EVERY,
            insert=(
                *("id", "action", "tenant", "owner", "credential", "scope_tenant", "scope_owner", "wanted"),
                *("pending", "all_found", "matched", "matched_more"),
            ),
            update=(
                *("pending", "all_found", "place_at", "place_id", "state", "matched", "matched_more", "done"),
                *("skipped", "failed", "reasons", "error", "updated_at", "finished_at"),
            ),
            delete=True,
        ),
        "kind_limits": Access(
            select=EVERY,
            insert=("kind", "max_running", "paused_at", "paused_by", "reason"),
            update=("max_running", "paused_at", "paused_by", "reason"),
            delete=True,
        ),
    },
)
"""It adds to the audit and reads it, and changes nothing in it."""

WORKER: Final = Rights(
    "report-worker",
    {
        "definitions": Access(select=("digest", "text")),
        "reports": Access(
            select=EVERY,
            insert=(*_REQUESTED, "source"),
            update=(*_TAKEN_BACK, *_ENDED, "attempt", "attempt_trace", "started_at", *_CARRIER),
            delete=True,
        ),
        "report_events": Access(select=("report_id", "version", "data")),
        "report_logs": Access(
            select=("report_id", "attempt", "line", "bytes"),
            insert=("report_id", "attempt", "line", "lines", "bytes", "records"),
            delete=True,
        ),
        "choice_lists": Access(
            select=("digest", "wanted_at", "read_at"), update=("content", "read_at"), delete=True
        ),
        "artefact_previews": Access(
            select=("report_id", "attempt"),
            insert=("report_id", "attempt", "filename", "content"),
            delete=True,
        ),
        "step_results": Access(
            select=(*_STEP_RESULT, "created_at", "done_at"),
            insert=_STEP_RESULT,
            update=(*_STEP_RESULT[2:], "created_at", "done_at"),
            delete=True,
        ),
        **_OUTBOX,
        "idempotency_keys": Access(select=("key", "created_at"), update=("created_at",), delete=True),
        "dead_letters": Access(
            select=("id", "source", "key", "value", "headers", "value_size", "value_sha256", "created_at"),
            insert=(*_LETTER, "key", "value", "headers", "value_size", "value_sha256", "tracestate"),
            update=("key", "value", "headers", "value_size", "value_sha256", "trimmed_at"),
            delete=True,
        ),
        "limits": Access(select=(*_HOLDER, "weight", "max_running", "max_kept_bytes")),
        "kind_limits": Access(select=("kind", "max_running", "paused_at"), insert=("kind",), delete=True),
        "kept_bytes": _KEPT,
        "workers": Access(
            select=EVERY,
            insert=("name", "slots", "partitions", "kinds", "seen_at"),
            update=("slots", "partitions", "kinds", "seen_at"),
            delete=True,
        ),
        **_MAINTENANCE,
    },
)
"""It knows neither clients nor their keys, and nothing of the audit. Whose a report is and what was requested
it cannot change: the API cannot either."""

# --- whether a role has them --------------------------------------------------------------------------

_MISSING = text(
    "SELECT DISTINCT relation FROM unnest("
    "CAST(:relations AS text[]), CAST(:privileges AS text[]), CAST(:columns AS text[])"
    ") AS needed (relation, privilege, name)"
    " WHERE NOT CASE WHEN name IS NULL THEN has_table_privilege(to_regclass(relation), privilege)"
    " ELSE has_column_privilege(to_regclass(relation), name, privilege) END"
    " UNION ALL"
    " SELECT name FROM unnest(CAST(:functions AS text[])) AS name"
    " WHERE NOT has_function_privilege(to_regprocedure(name), 'EXECUTE')"
)


def check_rights(engine: Engine, rights: Rights) -> None:
    """Raises `UnsuitableDatabase` where the role that `engine` connects as lacks one of them: the message has
    what to grant."""
    with unavailability_explained(), engine.connect() as connection:
        check_rights_on(connection, rights)


def check_rights_on(connection: Connection, rights: Rights) -> None:
    """As `check_rights`."""
    needed = list(rights)
    values = {
        "relations": [right.relation for right in needed],
        "privileges": [right.privilege for right in needed],
        "columns": [right.column for right in needed],
        "functions": list(rights.functions),
    }
    missing = set(connection.scalars(_MISSING, values))
    if missing:
        grants = "; ".join(f"GRANT {what} TO it" for on, what in rights.grants() if on in missing)
        raise UnsuitableDatabase(f"The role of {rights.service} lacks rights: {grants}.")

"""Changes that cost less: what they have to publish without a copy of it, events without what is in the
report's row, one index for all lists, and one process at a time for maintenance.

Processes of the version before run on beside it: where the table with the events was there is a view, which
reads like it and takes whole events. Their lists sort all reports.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _time(column: str) -> str:
    """As events have it."""
    whole = f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    return f"replace({whole}, '.000000Z', 'Z')"


_EVENTS = f"""
CREATE VIEW report_events AS
SELECT change.report_id, change.version, change.type, jsonb_build_object(
    'schema_version', 1, 'report_id', change.report_id, 'version', change.version, 'type', change.type,
    'kind', report.kind, 'trace_id', substr(report.traceparent, 4, 32), 'at', {_time("change.at")},
    'created_at', {_time("report.created_at")}, 'started_at', {_time("report.started_at")},
    'finished_at', NULL, 'not_before', NULL, 'progress', NULL, 'step', NULL, 'error', NULL,
    'artefact', NULL, 'cancel_requested', false
) || change.data AS data, change.at
FROM report_changes AS change JOIN reports AS report ON report.id = change.report_id;

CREATE FUNCTION put_report_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_changes (report_id, version, type, data, at)
    VALUES (NEW.report_id, NEW.version, NEW.type, NEW.data, NEW.at);
    RETURN NEW;
END $$;

CREATE TRIGGER put_report_event INSTEAD OF INSERT ON report_events
FOR EACH ROW EXECUTE FUNCTION put_report_event();
"""  # noqa: S608 - ours

_GRANT = """
DO $$ DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT privilege_type AS privilege,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS role
        FROM pg_class, aclexplode(relacl) WHERE oid = 'reports'::regclass AND grantee <> relowner
    LOOP
        EXECUTE format(
            'GRANT %s ON report_events, publications, maintenance_leases, workers TO %s',
            given.privilege, given.role
        );
    END LOOP;
END $$
"""
"""The services' role may be another one than that which owns the tables."""


# Rows live for moments: the dead are removed by number, not by share, and the file keeps its length.
_SHORT_LIVED = """
autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
vacuum_truncate = false
"""


_AWAITS = (
    "CASE WHEN (enqueue_at = not_before) THEN 'retry'::text"
    " WHEN (enqueue_at > created_at) THEN 'claim'::text ELSE 'room'::text END"
)
"""What a report in `init` waits for."""


def upgrade() -> None:
    # First what takes longest, while everything can still be read.
    op.create_index("reports_kind_status_created_at_idx", "reports", ["kind", "status", "created_at"])
    op.create_table(
        "publications",
        sa.Column("report_id", sa.Uuid, primary_key=True),
        sa.Column("first_version", sa.Integer, primary_key=True),
        sa.Column("last_version", sa.Integer, primary_key=True),
        sa.Column("command", sa.Boolean, nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
        ),
    )
    op.create_table(
        "maintenance_leases",
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("partitions", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        prefixes=["UNLOGGED"],
    )
    op.rename_table("report_events", "report_changes")
    for old in ("pkey", "report_id_fkey"):
        op.execute(
            f"ALTER TABLE report_changes RENAME CONSTRAINT report_events_{old} TO report_changes_{old}"
        )
    op.execute(_EVENTS)
    op.execute(_GRANT)
    for name in ("created_at_id", "kind_created_at_id", "status_created_at_id"):
        op.drop_index(f"reports_{name}_idx", "reports")
    for settings in (
        # Room for the changes of a report's steps beside it: they touch no index then.
        "reports SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)",
        f"publications SET ({_SHORT_LIVED})",
        f"outbox SET ({_SHORT_LIVED})",
        "report_changes SET (autovacuum_vacuum_scale_factor = 0.05)",
    ):
        op.execute(f"ALTER TABLE {settings}")
    op.create_index(
        "reports_awaits_idx",
        "reports",
        [sa.text(f"({_AWAITS})"), "enqueue_at"],
        postgresql_where=sa.text("status = 'init'"),
    )
    op.drop_index("reports_enqueue_idx", "reports")

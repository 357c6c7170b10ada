"""How much tenants, owners and kinds may have at once.

Processes of the version before run on beside it: they know no limits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = ("limits", "kind_limits", "request_rates", "kept_bytes", "open_streams")
_AWAITS = (
    "CASE WHEN (enqueue_at = not_before) THEN 'retry'::text"
    " WHEN (enqueue_at > created_at) THEN 'claim'::text ELSE 'room'::text END"
)
_AWAITS_KIND = "not_before >= '9000-01-01 00:00:00+00'::timestamp with time zone"
_GRANT = f"""
DO $$ DECLARE
    role text;
BEGIN
    FOR role IN
        SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
        FROM pg_class, aclexplode(relacl) WHERE oid = 'reports'::regclass AND grantee <> relowner
        GROUP BY grantee
        HAVING count(*) FILTER (WHERE privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')) = 4
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON {", ".join(_TABLES)} TO %s', role);
    END LOOP;
END $$
"""  # noqa: S608 - ours
"""A role that reads and writes reports is that of the services."""


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _time(name: str, *, nullable: bool) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "limits",
        *(_text("level"), _text("tenant"), _text("owner")),
        sa.Column("weight", sa.SmallInteger),
        sa.Column("max_queued", sa.Integer),
        sa.Column("max_running", sa.Integer),
        sa.Column("max_requests_per_minute", sa.Integer),
        sa.Column("max_streams", sa.Integer),
        sa.Column("max_kept_bytes", sa.BigInteger),
        sa.PrimaryKeyConstraint("level", "tenant", "owner"),
        sa.CheckConstraint("level IN ('tenant', 'owner')", name="limits_level_check"),
        sa.CheckConstraint(
            "owner = '' OR (level = 'owner' AND tenant <> '')",
            name="limits_owner_check",
        ),
        sa.CheckConstraint("weight BETWEEN 1 AND 100", name="limits_weight_check"),
        sa.CheckConstraint(
            "least(max_queued, max_running, max_requests_per_minute, max_streams, max_kept_bytes) >= 0",
            name="limits_least_check",
        ),
    )
    op.create_table(
        "kind_limits",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("max_running", sa.Integer),
        _time("paused_at", nullable=True),
        sa.Column("paused_by", sa.Text),
        sa.Column("reason", sa.Text),
        sa.CheckConstraint("max_running >= 0", name="kind_limits_max_running_check"),
    )
    op.create_table(
        "request_rates",
        *(_text("level"), _text("tenant"), _text("owner")),
        _time("paid_until", nullable=False),
        sa.PrimaryKeyConstraint("level", "tenant", "owner"),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "kept_bytes",
        *(_text("level"), _text("tenant"), _text("owner")),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("level", "tenant", "owner"),
    )
    op.create_table(
        "open_streams",
        *(_text("process"), _text("tenant"), _text("owner")),
        sa.Column("streams", sa.Integer, nullable=False),
        _time("seen_at", nullable=False),
        sa.PrimaryKeyConstraint("process", "tenant", "owner"),
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        "reports_retry_idx",
        "reports",
        ["tenant", "owner"],
        postgresql_where=sa.text(f"status = 'init' AND ({_AWAITS}) = 'retry'::text"),
    )
    op.create_index(
        "reports_kind_wait_idx",
        "reports",
        ["kind", "tenant", "owner", "priority", "created_at"],
        postgresql_where=sa.text(f"status = 'init' AND {_AWAITS_KIND}"),
    )
    op.execute(_GRANT)

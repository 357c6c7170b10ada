"""Retries, lost attempts, cancelling, idempotency keys, tombstones, and dead letters of reports.

Processes of the version before run on beside it: each new column has a default or may be null.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True))


def upgrade() -> None:
    for column in (
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("losses", sa.Integer, nullable=False, server_default="0"),
        _time("not_before"),
        sa.Column(
            "enqueue_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now() + interval '15 minutes'"),
        ),
        _time("cancel_requested_at"),
        sa.Column("timeout_seconds", sa.Float),
        sa.Column("attempt_trace", JSONB),
    ):
        op.add_column("reports", column)
    op.create_index(
        "reports_enqueue_idx", "reports", ["enqueue_at"], postgresql_where=sa.text("status = 'init'")
    )
    op.create_index(
        "reports_cancel_idx",
        "reports",
        ["lease_owner"],
        postgresql_where=sa.text("cancel_requested_at IS NOT NULL AND lease_owner IS NOT NULL"),
    )
    op.create_index(
        "reports_finished_idx",
        "reports",
        ["finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_sha256", sa.Text, nullable=False),
        sa.Column(
            "report_id",
            sa.Uuid,
            sa.ForeignKey("reports.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
            index=True,
        ),
    )
    op.alter_column("outbox", "value", nullable=True)
    for column in (sa.Column("attempts", sa.Integer), sa.Column("stack", sa.Text), _time("redriven_at")):
        op.add_column("dead_letters", column)
    op.create_index("dead_letters_created_at_idx", "dead_letters", ["created_at"])

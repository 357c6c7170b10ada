"""Results of steps, which later attempts reuse.

Processes of the version before run on beside it: they store none, and run all steps. Of a report that one of
them has ended, the results go with the report.
"""

import sqlalchemy as sa
from alembic import op

from waybill.store.migrations.granting import grant_to_services

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "step_results",
        sa.Column("report_id", sa.Uuid, sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("path", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("traceparent", sa.Text),
        sa.Column("tracestate", sa.Text),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
        ),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("report_id", "step"),
        sa.CheckConstraint("(value IS NULL) = (key IS NOT NULL)", name="step_results_value_check"),
        sa.CheckConstraint(
            "key IS NULL OR (path IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL)",
            name="step_results_file_check",
        ),
    )
    op.create_index(
        "step_results_done_idx",
        "step_results",
        ["done_at"],
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )
    grant_to_services("step_results")

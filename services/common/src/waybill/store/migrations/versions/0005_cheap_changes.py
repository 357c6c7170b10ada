"""Changes that cost less: messages that refer to the event whose data they publish, one index for all lists, and
one process at a time for maintenance.

Processes of the version before run on beside it: each new column may be null. Their lists sort all reports.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # First what takes longest, while everything can still be read.
    op.create_index("reports_kind_status_created_at_idx", "reports", ["kind", "status", "created_at"])
    op.create_table(
        "maintenance_leases",
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        prefixes=["UNLOGGED"],
    )
    op.add_column("outbox", sa.Column("version", sa.Integer))
    op.create_check_constraint(op.f("outbox_one_value_check"), "outbox", "value IS NULL OR version IS NULL")
    for name in ("created_at_id", "kind_created_at_id", "status_created_at_id"):
        op.drop_index(f"reports_{name}_idx", "reports")

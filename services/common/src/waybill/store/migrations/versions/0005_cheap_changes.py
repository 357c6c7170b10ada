"""Changes that cost less: what they have to publish without a copy of it, one index for all lists, and one
process at a time for maintenance.

Processes of the version before run on beside it. Their lists sort all reports.
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
    for name in ("created_at_id", "kind_created_at_id", "status_created_at_id"):
        op.drop_index(f"reports_{name}_idx", "reports")

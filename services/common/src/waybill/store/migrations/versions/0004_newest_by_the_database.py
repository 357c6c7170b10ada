"""Indexes for lists in the order of the database's time.

Processes of the version before run on beside it: their lists, in the order of the ids, take the primary key.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("reports_created_at_id_idx", "reports", ["created_at", "id"])
    op.create_index("reports_kind_created_at_id_idx", "reports", ["kind", "created_at", "id"])
    op.create_index("reports_status_created_at_id_idx", "reports", ["status", "created_at", "id"])
    op.drop_index("reports_kind_id_idx", "reports")
    op.drop_index("reports_status_id_idx", "reports")

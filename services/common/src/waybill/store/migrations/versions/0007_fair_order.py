"""The order in which reports get room: by tenant, owner and priority.

Processes of the version before run on beside it: they sort all that wait for room each time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AWAITS = (
    "CASE WHEN (enqueue_at = not_before) THEN 'retry'::text"
    " WHEN (enqueue_at > created_at) THEN 'claim'::text ELSE 'room'::text END"
)


def upgrade() -> None:
    normal = sa.text("3")
    op.add_column("reports", sa.Column("priority", sa.SmallInteger, nullable=False, server_default=normal))
    op.drop_index("reports_awaits_idx", "reports")
    op.create_index(
        "reports_awaits_idx",
        "reports",
        [sa.text(f"({_AWAITS})"), "enqueue_at"],
        postgresql_where=sa.text(f"status = 'init' AND ({_AWAITS}) <> 'room'::text"),
    )
    op.create_index(
        "reports_room_idx",
        "reports",
        ["tenant", "owner", "priority", "enqueue_at"],
        postgresql_where=sa.text(f"status = 'init' AND ({_AWAITS}) = 'room'::text"),
    )

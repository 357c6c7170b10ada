"""Filters of the list of reports that clients keep under a name.

Processes of the version before run on beside it, and know nothing of them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from waybill.store.migrations.granting import grant_to_services

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def _time(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()
    )


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("fields", JSONB, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        _time("created_at"),
        _time("updated_at"),
    )
    op.create_index(
        "saved_views_shared_idx", "saved_views", ["tenant", "name"], postgresql_where=sa.text("shared")
    )
    grant_to_services("saved_views")

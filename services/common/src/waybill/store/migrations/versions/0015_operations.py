"""Actions on many reports, which API processes do in parts.

Processes of the version before run on beside it, and leave them to those of this one.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from waybill.store.migrations.granting import grant_to_services

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _time(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()
    )


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
        sa.Column("scope_tenant", sa.Text),
        sa.Column("scope_owner", sa.Text),
        sa.Column("wanted", JSONB),
        sa.Column("pending", ARRAY(sa.Uuid), nullable=False, server_default="{}"),
        sa.Column("place_at", sa.DateTime(timezone=True)),
        sa.Column("place_id", sa.Uuid),
        sa.Column("all_found", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("state", sa.Text, nullable=False, server_default="running"),
        sa.Column("matched", sa.Integer, nullable=False),
        sa.Column("matched_more", sa.Boolean, nullable=False),
        _number("done"),
        _number("skipped"),
        _number("failed"),
        sa.Column("reasons", JSONB, nullable=False, server_default="[]"),
        sa.Column("error", sa.Text),
        _time("created_at"),
        _time("updated_at"),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state IN ('done', 'failed', 'running')", name="operations_state_check"),
    )
    op.create_index(
        "operations_running_idx", "operations", ["updated_at"], postgresql_where=sa.text("state = 'running'")
    )
    op.create_index(
        "operations_finished_idx",
        "operations",
        ["finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    grant_to_services("operations")

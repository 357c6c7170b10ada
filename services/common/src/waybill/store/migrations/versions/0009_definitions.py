"""Definitions of reports by their digests, and what a request may name: outputs, tags, the report it repeats.

Processes of the version before run on beside it: they leave the new columns null.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from waybill.store.migrations.granting import grant_to_services

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "definitions",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
        ),
    )
    op.add_column("reports", sa.Column("definition", sa.Text))
    op.add_column("reports", sa.Column("outputs", ARRAY(sa.Text)))
    op.add_column("reports", sa.Column("artefacts", JSONB(none_as_null=True)))
    op.add_column("reports", sa.Column("tags", ARRAY(sa.Text)))
    op.add_column("reports", sa.Column("rerun_of", sa.Uuid))
    grant_to_services("definitions")

"""For pages: the first rows of artefacts, and the choices of parameters that come from a query.

Processes of the version before run on beside it: they write and read none. Previews go with their report.
"""

import sqlalchemy as sa
from alembic import op

from waybill.store.migrations.granting import grant_to_services

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artefact_previews",
        sa.Column("report_id", sa.Uuid, sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("report_id", "attempt", "filename"),
    )
    grant_to_services("artefact_previews")
    op.create_table(
        "choice_lists",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column(
            "wanted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()
        ),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("content", sa.Text),
    )
    grant_to_services("choice_lists")

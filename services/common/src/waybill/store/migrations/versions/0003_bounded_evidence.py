"""The size and hash of messages of which not all is kept.

Processes of the version before run on beside it: each new column may be null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("value_size", sa.BigInteger),
        sa.Column("value_sha256", sa.Text),
        sa.Column("trimmed_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("dead_letters", column)

"""The kinds that a worker has installed, in its row.

Processes of the version before run on beside it: their workers leave the column null, which says that their
kinds are not known.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("kinds", ARRAY(sa.Text)))

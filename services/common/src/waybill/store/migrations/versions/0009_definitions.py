"""Definitions of reports by their digests, and what a request may name: outputs, tags, the report it repeats.

Processes of the version before run on beside it: they leave the new columns null.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_GRANT = """
DO $$ DECLARE
    role text;
BEGIN
    FOR role IN
        SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
        FROM pg_class, aclexplode(relacl) WHERE oid = 'reports'::regclass AND grantee <> relowner
        GROUP BY grantee
        HAVING count(*) FILTER (WHERE privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')) = 4
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON definitions TO %s', role);
    END LOOP;
END $$
"""
"""A role that reads and writes reports is that of the services."""


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
    op.execute(_GRANT)

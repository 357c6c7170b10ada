"""Parameters of kinds that clients keep under a name.

Processes of the version before run on beside it, and know nothing of them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
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
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON parameter_sets TO %s', role);
    END LOOP;
END $$
"""
"""A role that reads and writes reports is that of the services."""


def _time(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()
    )


def upgrade() -> None:
    op.create_table(
        "parameter_sets",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("parameters", JSONB, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        _time("created_at"),
        _time("updated_at"),
    )
    op.create_index(
        "parameter_sets_shared_idx",
        "parameter_sets",
        ["tenant", "kind", "name"],
        postgresql_where=sa.text("shared"),
    )
    op.execute(_GRANT)

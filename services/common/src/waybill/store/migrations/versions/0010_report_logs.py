"""What the jobs of a report print and log.

Processes of the version before run on beside it: they know nothing of it, and where they remove a report,
the database removes its logs.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
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
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON report_logs TO %s', role);
    END LOOP;
END $$
"""
"""A role that reads and writes reports is that of the services."""


def upgrade() -> None:
    op.create_table(
        "report_logs",
        sa.Column("report_id", sa.Uuid, sa.ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("line", sa.BigInteger, primary_key=True),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("records", JSONB, nullable=False),
    )
    op.execute(_GRANT)

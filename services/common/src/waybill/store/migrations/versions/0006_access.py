"""Who requested a report, and the tenant it belongs to; the keys by which the API knows its clients; and what
these have done.

Processes of the version before run on beside it: what they request belongs to nobody known, as all reports of
before do.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TENANT, _OWNER = "default", "anonymous"
_AUDIT_DAYS = 30

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
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO %s', role);
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM %s', role);
        EXECUTE format('GRANT SELECT, INSERT ON audit TO %s', role);
        EXECUTE format('GRANT EXECUTE ON FUNCTION remove_old_audit TO %s', role);
    END LOOP;
END $$
"""
"""A role that reads and writes reports is that of the services. It changes nothing in `audit`, of which only
what is old enough may go."""

# It runs with the rights of the role that migrates: nothing of its caller's own, such as a temporary table,
# may be taken for what it names.
_REMOVE = f"""
DO $do$ BEGIN
    EXECUTE format($create$
        CREATE FUNCTION remove_old_audit(age interval, most integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
        DECLARE
            removed integer;
        BEGIN
            DELETE FROM %1$I.audit WHERE id IN (
                SELECT id FROM %1$I.audit
                WHERE at < statement_timestamp() - greatest(age, interval '{_AUDIT_DAYS} days')
                ORDER BY at LIMIT most
            );
            GET DIAGNOSTICS removed = ROW_COUNT;
            RETURN removed;
        END $body$
    $create$, current_schema());
END $do$
"""  # noqa: S608 - ours


def _time(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    # A constant default is kept once for all rows of before: no row is written.
    op.add_column("reports", sa.Column("tenant", sa.Text, nullable=False, server_default=_TENANT))
    op.add_column("reports", sa.Column("owner", sa.Text, nullable=False, server_default=_OWNER))
    op.create_index(
        "reports_tenant_kind_status_created_at_idx",
        "reports",
        ["tenant", "kind", "status", "created_at"],
        postgresql_where=sa.text(f"tenant <> '{_TENANT}'"),
    )
    op.create_index(
        "reports_owner_kind_status_created_at_idx",
        "reports",
        ["tenant", "owner", "kind", "status", "created_at"],
        postgresql_where=sa.text(f"owner <> '{_OWNER}'"),
    )
    op.add_column("dead_letters", sa.Column("tenant", sa.Text))
    op.add_column("dead_letters", sa.Column("owner", sa.Text))
    letters = sa.table("dead_letters", *map(sa.column, ("tenant", "owner", "report_id")))
    of_reports = letters.c.report_id.is_not(None)
    op.execute(sa.update(letters).where(of_reports).values(tenant=_TENANT, owner=_OWNER))
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        _time("created_at", nullable=False, server_default=sa.func.clock_timestamp()),
        _time("expires_at"),
        _time("last_used_at"),
        _time("revoked_at"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _time("at", nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("actor_tenant", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("report_id", sa.Uuid),
        sa.Column("subject", sa.Text),
        sa.Column("trace_id", sa.Text),
    )
    op.create_index("audit_tenant_id_idx", "audit", ["tenant", "id"])
    op.create_index("audit_report_id_idx", "audit", ["report_id"])
    op.create_index("audit_at_idx", "audit", ["at"])
    op.execute(_REMOVE)
    op.execute("REVOKE EXECUTE ON FUNCTION remove_old_audit FROM PUBLIC")
    op.execute(_GRANT)

"""The rights of services that have a role of their own, on tables that a migration adds."""

from alembic import op

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
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO %s', role);
    END LOOP;
END $$
"""


def grant_to_services(table: str) -> None:
    """A role that reads and writes reports is that of the services."""
    op.execute(_GRANT.replace("{table}", table))

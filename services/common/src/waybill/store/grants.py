"""Gives roles of the database their rights, and no others. Only the role that migrates can, which owns the
tables."""

from collections.abc import Iterator, Mapping
from typing import Final

from psycopg import sql
from sqlalchemy import Connection, text

from waybill.store.rights import Right, Rights
from waybill.store.schema import UnsuitableDatabase
from waybill.store.tables import metadata, report_events

RELATIONS: Final = (*metadata.tables, report_events.name, "alembic_version")
SEQUENCES: Final = tuple(
    f"{table.name}_{column.name}_seq"
    for table in metadata.tables.values()
    for column in table.columns
    if column.identity is not None
)
FUNCTIONS: Final = ("remove_old_audit(interval, integer)", "put_report_event()")

_HELD = text(
    "SELECT relname, privilege, attname::text"
    " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped,"
    " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS privilege"
    " WHERE pg_class.oid = ANY (CAST(:relations AS regclass[]))"
    " AND has_column_privilege(:role, pg_class.oid, attnum, privilege)"
    " UNION ALL"
    " SELECT relname, privilege, NULL"
    " FROM pg_class, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege"
    " WHERE pg_class.oid = ANY (CAST(:relations AS regclass[]))"
    " AND has_table_privilege(:role, pg_class.oid, privilege)"
    " UNION ALL"
    " SELECT relname, privilege, NULL"
    " FROM pg_class, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS privilege"
    " WHERE pg_class.oid = ANY (CAST(:sequences AS regclass[]))"
    " AND has_sequence_privilege(:role, pg_class.oid, privilege)"
    " UNION ALL"
    " SELECT current_schema(), privilege, NULL FROM unnest(ARRAY['USAGE', 'CREATE']) AS privilege"
    " WHERE has_schema_privilege(:role, current_schema(), privilege)"
    " UNION ALL"
    " SELECT name, 'EXECUTE', NULL FROM unnest(CAST(:functions AS text[])) AS name"
    " WHERE has_function_privilege(:role, to_regprocedure(name), 'EXECUTE')"
    # Functions can be executed by all roles by default, and one of a trigger cannot be called.
    " AND (SELECT prorettype <> 'trigger'::regtype FROM pg_proc WHERE oid = to_regprocedure(name))"
)
_COLUMNS = text(
    "SELECT relname, attname::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
    " WHERE pg_class.oid = ANY (CAST(:relations AS regclass[])) AND attnum > 0 AND NOT attisdropped"
)
_IS_OWNER = text(
    "SELECT bool_or(pg_has_role(:role, relowner, 'MEMBER')) FROM pg_class"
    " WHERE oid = ANY (CAST(:relations AS regclass[]))"
)
_EXISTS = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")


def grant(connection: Connection, roles: Mapping[str, Rights]) -> None:
    """Each of `roles` has its rights afterwards, whatever it had before. Safe to run again.

    Raises `UnsuitableDatabase` where there is no such role, or it has other rights that cannot be taken from
    it here: then the transaction is to be left.
    """
    for role, rights in roles.items():
        if not connection.scalar(_EXISTS, {"role": role}):
            raise UnsuitableDatabase(
                f"The database has no role {role!r} for {rights.service}: CREATE ROLE … LOGIN PASSWORD '…' "
                "before."
            )
        if connection.scalar(_IS_OWNER, {"role": role, "relations": list(RELATIONS)}):
            raise UnsuitableDatabase(
                f"The role {role!r} of {rights.service} owns tables, is a member of their owner, or is a "
                "superuser, so that nothing can be denied to it: give the service a role of its own."
            )
        names = {"role": sql.Identifier(role), "schema": sql.Identifier(_schema(connection))}
        for statement in _statements(rights):
            query = sql.SQL(statement).format(**names).as_string(None)
            connection.exec_driver_sql(query, execution_options={"no_parameters": True})
        _check(connection, role, rights)


def held(connection: Connection, role: str) -> set[Right]:
    """What the role may do with what is Waybill's, by itself or by a role that it is a member of: each
    column's rights, and those on relations, sequences, functions and the schema as a whole."""
    values = {
        "role": role,
        "relations": list(RELATIONS),
        "sequences": list(SEQUENCES),
        "functions": list(FUNCTIONS),
    }
    return {Right(*row) for row in connection.execute(_HELD, values)}


def granted(connection: Connection, rights: Rights) -> set[Right]:
    """The same of what `rights` give."""
    columns: dict[str, list[str]] = {}
    for relation, column in connection.execute(_COLUMNS, {"relations": list(RELATIONS)}):
        columns.setdefault(relation, []).append(column)
    found = {Right(_schema(connection), "USAGE")}
    for right in rights:
        if right.column is None and right.privilege != "DELETE":
            found |= {Right(right.relation, right.privilege, name) for name in columns[right.relation]}
        else:
            found.add(right)
    return found | {Right(name, "EXECUTE") for name in rights.functions}


def _schema(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT current_schema()")))


def _statements(rights: Rights) -> Iterator[str]:
    """First what takes all from the role, then what gives it what it needs."""
    for what in (
        ", ".join(RELATIONS),
        f"SEQUENCE {', '.join(SEQUENCES)}",
        f"FUNCTION {', '.join(FUNCTIONS)}",
        "SCHEMA {schema}",
    ):
        yield f"REVOKE ALL ON {what} FROM {{role}}"
    yield "GRANT USAGE ON SCHEMA {schema} TO {role}"
    for _, what in rights.grants():
        yield f"GRANT {what} TO {{role}}"


def _check(connection: Connection, role: str, rights: Rights) -> None:
    """The schema may be another role's, and others may have granted something to everybody."""
    wanted, has = granted(connection, rights), held(connection, role)
    if missing := wanted - has:
        raise UnsuitableDatabase(
            f"The role {role!r} of {rights.service} lacks rights that this role cannot give: GRANT "
            f"{_shown(missing)} TO it as the owner."
        )
    if more := has - wanted:
        raise UnsuitableDatabase(
            f"The role {role!r} of {rights.service} may do more than it needs: REVOKE {_shown(more)} FROM "
            "PUBLIC, or from the role that it is a member of."
        )


_SHOWN: Final = 5


def _shown(rights: set[Right]) -> str:
    found = sorted({f"{right.privilege} ON {right.relation}" for right in rights})
    rest = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")

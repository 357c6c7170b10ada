"""PostgreSQL's own counts."""

from collections.abc import Mapping

import psycopg

DATABASE = "waybill"
_WITH_IO_VIEW = 180000
"""From version 18 on, `pg_stat_io` has what `pg_stat_wal` had."""

_STATEMENTS = r"""
SELECT coalesce(sum(calls), 0)
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = %s AND toplevel
  AND query !~* '^\s*(begin|start|commit|rollback|savepoint|release|abort|end)\M'
"""
"""Those that ask for something or change something: `BEGIN` and `COMMIT` are in the transactions."""
_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
_WRITES = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
"""Only a transaction that writes gets a number."""
_WAL_BYTES = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
_SYNCS = "SELECT wal_sync FROM pg_stat_wal"
_SYNCS_BY_IO = "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"

SETTLE_SECONDS = 11.0
"""A connection that is idle reports its transactions and syncs after 10 s at the latest."""
SETTLING = ("transactions", "fsyncs")
"""The counts that are right only then."""


def read(statistics_url: str) -> Mapping[str, float]:
    """Since PostgreSQL's start. `statistics_url` is of another database than Waybill's, so that the questions
    are not counted with its own."""
    with psycopg.connect(statistics_url, autocommit=True) as connection:

        def numbers(statement: str, *values: str) -> tuple[float, ...]:
            row = connection.execute(statement, values).fetchone()
            assert row is not None
            return tuple(float(value) for value in row)

        syncs = _SYNCS_BY_IO if connection.info.server_version >= _WITH_IO_VIEW else _SYNCS
        return {
            "statements": numbers(_STATEMENTS, DATABASE)[0],
            "write_transactions": numbers(_WRITES)[0],
            "transactions": numbers(_TRANSACTIONS, DATABASE)[0],
            "wal_bytes": numbers(_WAL_BYTES)[0],
            "fsyncs": numbers(syncs)[0],
        }

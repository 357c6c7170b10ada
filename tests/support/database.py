"""The database, looked into from beside."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text


@dataclass(frozen=True)
class Database:
    engine: Engine

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """`statement` is SQL with `:names`."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]

    def row(self, statement: str, **values: Any) -> dict[str, Any] | None:
        """The only row, or None."""
        rows = self.rows(statement, **values)
        assert len(rows) < 2, rows
        return rows[0] if rows else None

    def execute(self, statement: str, **values: Any) -> None:
        """Committed when this returns."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) AS count FROM {table}")[0]["count"])  # noqa: S608 - ours

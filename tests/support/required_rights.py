"""Which rights PostgreSQL requires for what is done: those that it checks before it executes a plan."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from tests.support.database import Database
from tests.support.lifecycle_store import engine_of
from waybill.store.rights import Right

_PRINTED = "-c debug_print_plan=on -c debug_pretty_print=off -c client_min_messages=log"
_REQUIRED = re.compile(
    r":relid (\d+) [^{}]*?:requiredPerms (\d+) :checkAsUser (\d+) "
    r":selectedCols \(b([ \d]*)\) :insertedCols \(b([ \d]*)\) :updatedCols \(b([ \d]*)\)"
)
_BITS = {1: "INSERT", 2: "SELECT", 4: "UPDATE", 8: "DELETE"}
_FIRST_COLUMN = 8
"""The bit of the column with the number 1: those of the system have lower ones."""

_WHOLE_ROW = 0

ANY = "any"
"""In place of a column: some column of the relation, as for count(*) and to lock a row."""


class Required:
    """Collects them."""

    def __init__(self, names: dict[int, str], columns: dict[tuple[int, int], str]) -> None:
        self._names = names
        self._columns = columns
        self.rights: set[Right] = set()

    def note(self, message: psycopg.errors.Diagnostic) -> None:
        """A message of the server. What a function or a foreign key does, it does for its owner: it has a
        context."""
        if message.message_primary != "plan:" or message.context:
            return
        for found in _REQUIRED.finditer(" ".join((message.message_detail or "").split())):
            relation, bits, other_role, *columns = found.groups()
            if int(other_role) == 0 and int(relation) in self._names:
                self._note(
                    int(relation), int(bits), dict(zip(("SELECT", "INSERT", "UPDATE"), columns, strict=True))
                )

    def _note(self, relation: int, bits: int, columns: dict[str, str]) -> None:
        name = self._names[relation]
        for bit, privilege in _BITS.items():
            if not bits & bit:
                continue
            if privilege == "DELETE":
                self.rights.add(Right(name, privilege))
                continue
            numbers = {int(number) - _FIRST_COLUMN + 1 for number in columns[privilege].split()}
            named = {
                Right(name, privilege, column)
                for (of, number), column in self._columns.items()
                if of == relation and (number in numbers or _WHOLE_ROW in numbers)
            }
            self.rights |= named or {Right(name, privilege, ANY)}


@contextmanager
def engine_that_notes(url: str, owner: Database) -> Iterator[tuple[Engine, Required]]:
    """An engine, and what its statements require. `owner`: the same database, which knows the names."""
    rows = owner.rows(
        "SELECT pg_class.oid::bigint AS oid, relname::text, attnum, attname::text"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v') AND attnum > 0"
    )
    required = Required(
        {row["oid"]: row["relname"] for row in rows},
        {(row["oid"], row["attnum"]): row["attname"] for row in rows},
    )

    def listen(driver: psycopg.Connection[Any], _: ConnectionPoolEntry) -> None:
        driver.add_notice_handler(required.note)

    with engine_of(f"{url}?options={quote(_PRINTED)}") as engine:
        event.listen(engine, "connect", listen)
        yield engine, required

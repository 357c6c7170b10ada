"""What PostgreSQL says when a step fails, and whether it may go well later."""

import re

import psycopg
from psycopg import errors

from report_worker.query.errors import SqlError
from waybill.definitions import Bound, placeholders
from waybill.errors import PermanentError, RetryableError
from waybill.redaction import redacted

_PASSING = ("08", "40", "53", "55P03", "57P01", "57P02", "57P03", "57P05", "58", "25P03", "25P04", "XX")
"""Beginnings of the codes of what passes: connection, serialization, no resources, a lock, a server that is
shut down or starts, a system error."""
_CHARACTERS = 500
_NO_TYPE = ("42P18", "42P08")
_REFUSED = re.compile(r"authentication failed|no password supplied|(role|database) \"[^\"]*\" does not exist")


def failure(error: psycopg.Error, bound: Bound, prefix: int) -> PermanentError | RetryableError:
    """A sentence with PostgreSQL's message, and where in the SQL. `prefix`: characters before the SQL in the
    statement that was sent."""
    code = error.sqlstate
    if code is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return RetryableError(f"The connection to PostgreSQL was lost: {_text(str(error))}")
    if code is None:
        return PermanentError(f"A value cannot be read: {_text(str(error))} Cast it in SQL, as to text.")
    said = _text(error.diag.message_primary or str(error))
    if code.startswith(_PASSING):
        return RetryableError(f"PostgreSQL cannot answer now: {said}")
    if code in _NO_TYPE and (untyped := _untyped(said, bound)):
        return untyped
    parts = [f"PostgreSQL says: {said}"]
    if isinstance(error, errors.ReadOnlySqlTransaction):
        parts.append("A step only reads.")
    parts += [_text(more) for more in (error.diag.message_detail, error.diag.message_hint) if more]
    return SqlError(" ".join(parts), _place(error, bound, prefix))


def unreachable(error: psycopg.Error) -> PermanentError | RetryableError:
    """A wrong password or name of a role or database does not pass by itself."""
    said = f"PostgreSQL cannot be reached: {_text(str(error))}"
    return PermanentError(said) if _REFUSED.search(str(error)) else RetryableError(said)


def _untyped(said: str, bound: Bound) -> SqlError | None:
    """PostgreSQL names a parameter by its number, and no place."""
    number = re.search(r"\$(\d+)", said)
    if number is None or not 0 < int(number[1]) <= len(bound.names):
        return None
    name = bound.names[int(number[1]) - 1]
    one = next(one for one in placeholders(bound.original, "postgres") if one.name == name)
    return SqlError(
        f"PostgreSQL cannot tell the type of :{name}: write :{name}::text, or its own type, at each place.",
        (one.line, one.column),
    )


def _place(error: psycopg.Error, bound: Bound, prefix: int) -> tuple[int, int] | None:
    position = error.diag.statement_position
    if not position or not position.isdecimal() or int(position) <= prefix:
        return None
    return bound.place(int(position) - 1 - prefix)


def _text(text: str) -> str:
    """As a sentence in one line, without secrets."""
    line = " ".join(redacted(text).split())[:_CHARACTERS]
    return line if line.endswith((".", "?", "!")) else f"{line}."

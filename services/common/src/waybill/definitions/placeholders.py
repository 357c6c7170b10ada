"""Where SQL names parameters: `:month`. Never in texts, comments, quoted names, or a cast such as `::date`.

A colon is one only directly before a name, and not directly after one: `a[1:n]` is a slice.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

Dialect = Literal["postgres", "duckdb"]

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Placeholder:
    """The name of a parameter, without the colon. With the colon it is from `start` to before `end` in the
    SQL. Line and column count from 1."""

    name: str
    start: int
    end: int
    line: int
    column: int


def placeholders(sql: str, dialect: Dialect) -> list[Placeholder]:
    """In order. Of SQL that cannot be split into tokens there are none: its server says what is wrong."""
    # imported where it is needed: it takes half a second, and memory
    from sqlglot.dialects.dialect import Dialect as Sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tokens: list[Any] = Sqlglot.get_or_raise(dialect).tokenize(sql)
    except SqlglotError:
        return []
    found = []
    for colon, name in pairwise(tokens):
        if sql[colon.start : colon.end + 1] == ":" and name.start == colon.end + 1:
            text = sql[name.start : name.end + 1]
            if _NAME.fullmatch(text) and not _goes_on(sql, colon.start):
                line = sql.count("\n", 0, colon.start) + 1
                column = colon.start - (sql.rfind("\n", 0, colon.start) + 1) + 1
                found.append(Placeholder(text, colon.start, name.end + 1, line, column))
    return found


def _rewritten(
    sql: str, dialect: Dialect, write: Callable[[str], str], plain: Callable[[str], str] = str
) -> str:
    """The SQL with `write` of each name in place of `:name`, and `plain` of what is in between."""
    pieces, end = [], 0
    for one in placeholders(sql, dialect):
        pieces += [plain(sql[end : one.start]), write(one.name)]
        end = one.end
    return "".join((*pieces, plain(sql[end:])))


def for_psycopg(sql: str) -> str:
    """With `%(name)s`, for a server that binds the values."""
    return _rewritten(sql, "postgres", lambda name: f"%({name})s", lambda text: text.replace("%", "%%"))


def for_duckdb(sql: str) -> str:
    """With `$name`."""
    return _rewritten(sql, "duckdb", lambda name: f"${name}")


def _goes_on(sql: str, position: int) -> bool:
    """Whether a word, or what is in brackets, ends directly before."""
    before = sql[position - 1 : position]
    return before.isalnum() or (before != "" and before in "_)]}\"':")

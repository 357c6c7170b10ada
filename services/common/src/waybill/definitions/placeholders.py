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


def tokens_of(sql: str, dialect: Dialect) -> list[Any] | None:
    """sqlglot's; None where it cannot split the SQL into any."""
    # imported where it is needed: it takes half a second, and memory
    from sqlglot.dialects.dialect import Dialect as Sqlglot
    from sqlglot.errors import SqlglotError

    try:
        found: list[Any] = Sqlglot.get_or_raise(dialect).tokenize(sql)
    except SqlglotError:
        return None
    return found


def placeholders(sql: str, dialect: Dialect) -> list[Placeholder]:
    """In order. Of SQL that cannot be split into tokens there are none: its server says what is wrong."""
    tokens = tokens_of(sql, dialect) or []
    found = []
    for colon, name in pairwise(tokens):
        if sql[colon.start : colon.end + 1] == ":" and name.start == colon.end + 1:
            text = sql[name.start : name.end + 1]
            if _NAME.fullmatch(text) and not _goes_on(sql, colon.start):
                line = sql.count("\n", 0, colon.start) + 1
                column = colon.start - (sql.rfind("\n", 0, colon.start) + 1) + 1
                found.append(Placeholder(text, colon.start, name.end + 1, line, column))
    return found


@dataclass(frozen=True)
class Bound:
    """SQL with what its driver has in place of `:name`. `names`: of the values to bind; of PostgreSQL in the
    order of their numbers."""

    sql: str
    names: tuple[str, ...]
    original: str
    _ends: tuple[tuple[int, int], ...]

    def place(self, position: int) -> tuple[int, int]:
        """Line and column in the original, from 1, of a position in `sql`, from 0."""
        ends = [(0, 0), *(one for one in self._ends if one[0] <= position)]
        rewritten, original = ends[-1]
        at = min(original + position - rewritten, len(self.original))
        return self.original.count("\n", 0, at) + 1, at - self.original.rfind("\n", 0, at)


def for_postgresql(sql: str) -> Bound:
    """With `$1`, and the same number for the same name."""
    names = list(dict.fromkeys(one.name for one in placeholders(sql, "postgres")))
    return _rewritten(sql, "postgres", lambda name: f"${names.index(name) + 1}")


def for_duckdb(sql: str) -> Bound:
    """With `$name`."""
    return _rewritten(sql, "duckdb", lambda name: f"${name}")


def _rewritten(sql: str, dialect: Dialect, write: Callable[[str], str]) -> Bound:
    pieces, names, ends, end, length = [], [], [], 0, 0
    for one in placeholders(sql, dialect):
        pieces += [sql[end : one.start], write(one.name)]
        length += len(pieces[-2]) + len(pieces[-1])
        names.append(one.name)
        end = one.end
        ends.append((length, end))
    return Bound("".join((*pieces, sql[end:])), tuple(dict.fromkeys(names)), sql, tuple(ends))


def _goes_on(sql: str, position: int) -> bool:
    """Whether a word, or what is in brackets, ends directly before."""
    before = sql[position - 1 : position]
    return before.isalnum() or (before != "" and before in "_)]}\"':")

"""What is surely wrong with a statement, before a server has seen it."""

from itertools import pairwise
from typing import Any

from waybill.definitions.faults import Fault
from waybill.definitions.placeholders import Dialect, tokens_of

_BEGINNINGS = {
    "postgres": frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("}),
    "duckdb": frozenset({"SELECT", "WITH", "VALUES", "TABLE", "(", "FROM", "PIVOT", "UNPIVOT"})
    | {"DESCRIBE", "SUMMARIZE", "SHOW"},
}


def statement_fault(sql: str, dialect: Dialect) -> Fault | None:
    """With line and column within the SQL. None where it may be one SELECT: the server has the last say, and
    a statement that cannot be split into tokens here may be right for it."""
    tokens = tokens_of(sql, dialect)
    if tokens is None:
        return None
    if not tokens:
        return Fault(1, 1, "has no statement.")
    word = sql[tokens[0].start : tokens[0].end + 1].upper().split()[0]
    if word not in _BEGINNINGS[dialect] and not word.startswith("/*"):  # a hint, which is a comment
        return _at(sql, tokens[0], f"must be one SELECT, and begins with {word[:30]}: a step only reads.")
    for end, following in pairwise(tokens):
        if sql[end.start] == ";" and sql[following.start] != ";":
            return _at(sql, following, "must be one statement: write a step for each.")
        if sql[end.start] == "$" and end.end == end.start and following.start == end.end + 1:
            return _at(sql, end, "a parameter is written as :name, not with $.")
    return None


def without_end(sql: str, dialect: Dialect) -> str:
    """Without semicolons at its end, and comments behind them, so that it can stand in another statement."""
    tokens = tokens_of(sql, dialect) or []
    while tokens and sql[tokens[-1].start] == ";":
        sql = sql[: tokens.pop().start]
    return sql


def _at(sql: str, token: Any, reason: str) -> Fault:
    before = sql[: token.start]
    return Fault(before.count("\n") + 1, token.start - before.rfind("\n"), reason)

"""What DuckDB says when a step fails: in words, and where in the step's SQL."""

import json
import re
from collections.abc import Sequence
from typing import Any

from report_worker.query.deadline import Deadline
from report_worker.query.errors import SqlError
from waybill.definitions import Bound
from waybill.errors import PermanentError
from waybill.redaction import redacted

SETTING = "errors_as_json"
"""With it DuckDB says the position as a number, for most errors."""
EXPLAIN = "EXPLAIN "
_CHARACTERS = 500
_GUESS = re.compile(r'\s+Did you mean "[^\n]*\?')
_CANDIDATES = re.compile(r"\s+Candidate (functions|macros):.*", re.DOTALL)
_INTERNAL = re.compile(r'"(information_schema\.|(pg|duckdb|sqlite|pragma)_)')


def failure(
    message: str, deadline: Deadline, bound: Bound, tables: Sequence[str] = (), *, explained: bool = False
) -> PermanentError:
    """Of the text of an error, or of Arrow's OSError with it. `tables`: what the SQL may read. `explained`:
    it is of an EXPLAIN of the statement."""
    sort, details = _parsed(message)
    said = str(details["exception_message"])
    if sort == "INTERRUPT Error" and deadline.is_over:
        return PermanentError(deadline.sentence())
    words = f"DuckDB says: {_sentence(sort, said)}"
    if advice := _advice(sort, said):
        return PermanentError(f"{advice} {words}")
    if details.get("type") == "Table" and tables and not _GUESS.search(_without_internal(said)):
        words += f" There are: {', '.join(tables)}."
    return SqlError(words, _place(details, bound, len(EXPLAIN) if explained else 0))


def _advice(sort: str, said: str) -> str | None:
    """Where it is not the SQL that is wrong."""
    if sort == "Out of Memory Error":
        return (
            "DuckDB needs more memory than it may have: group or choose less, or raise memory or temp of the"
            " source, which is results of a step that reads other steps."
        )
    if sort == "Permission Error" and "Cannot access" in said:
        return "A step reads files of its source's folder alone, by names such as '2026/*.parquet'."
    return None


def _without_internal(said: str) -> str:
    """Without a guess that names DuckDB's own catalog, which is no help."""
    guess = _GUESS.search(said)
    return said.replace(guess[0], "") if guess and _INTERNAL.search(guess[0]) else said


def _parsed(message: str) -> tuple[str, dict[str, Any]]:
    """`Binder Error`, and what there is of it, at least `exception_message`."""
    sort, colon, rest = message.partition(": ")
    if not colon:
        return "Error", {"exception_message": message}
    try:
        details = json.loads(rest)
    except ValueError:
        details = None
    if isinstance(details, dict) and "exception_message" in details:
        return sort, details
    return sort, {"exception_message": rest}


def _place(details: dict[str, Any], bound: Bound, prefix: int) -> tuple[int, int] | None:
    """DuckDB counts bytes, from 0."""
    position = str(details.get("position", ""))
    if not position.isdecimal() or not prefix <= int(position) <= prefix + len(bound.sql.encode()):
        return None
    before = bound.sql.encode()[: int(position) - prefix]
    return bound.place(len(before.decode(errors="ignore")))


def _sentence(sort: str, said: str) -> str:
    """In one line, without secrets."""
    plain = _CANDIDATES.sub("", f"{sort}: {_without_internal(said)}").partition("\n\n")[0]
    text = " ".join(redacted(plain).split())[:_CHARACTERS]
    return text if text.endswith((".", "?", "!")) else f"{text}."

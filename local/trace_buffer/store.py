"""What was received, on disk: requests until they are forwarded, spans for as long as the buffer runs."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS spans (
    trace_id TEXT NOT NULL, span_id TEXT NOT NULL, process TEXT NOT NULL, span TEXT NOT NULL,
    PRIMARY KEY (trace_id, span_id)
);
"""


@dataclass(frozen=True)
class StoredRequest:
    """One request of an exporter as it came, to be sent again."""

    id: int
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class StoredSpan:
    """A span and the process it ran in, as Jaeger's API writes both."""

    trace_id: str
    span_id: str
    process: Mapping[str, Any]
    span: Mapping[str, Any]


class Store:
    """Survives a kill of its process. Threads may share one."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def add(
        self, path: str, headers: Mapping[str, str], body: bytes, spans: Iterable[StoredSpan] = ()
    ) -> None:
        """Keeps a request and its spans; not one whose spans are all here already: an exporter's retry."""
        rows = [(one.trace_id, one.span_id, json.dumps(one.process), json.dumps(one.span)) for one in spans]
        with self._lock, self._database as transaction:
            before = transaction.total_changes
            transaction.executemany("INSERT OR IGNORE INTO spans VALUES (?, ?, ?, ?)", rows)
            if rows and transaction.total_changes == before:
                return
            transaction.execute(
                "INSERT INTO requests (path, headers, body) VALUES (?, ?, ?)",
                (path, json.dumps(dict(headers)), body),
            )

    def spans(self, trace_id: str) -> list[StoredSpan]:
        """All spans of a trace that have arrived."""
        with self._lock:
            rows = self._database.execute(
                "SELECT span_id, process, span FROM spans WHERE trace_id = ?", (trace_id,)
            ).fetchall()
        return [
            StoredSpan(trace_id, span_id, json.loads(process), json.loads(span))
            for span_id, process, span in rows
        ]

    def oldest(self) -> StoredRequest | None:
        """The request to forward next; None when all have been."""
        with self._lock:
            row = self._database.execute(
                "SELECT id, path, headers, body FROM requests ORDER BY id LIMIT 1"
            ).fetchone()
        return StoredRequest(row[0], row[1], json.loads(row[2]), row[3]) if row else None

    def remove(self, request: StoredRequest) -> None:
        with self._lock, self._database as transaction:
            transaction.execute("DELETE FROM requests WHERE id = ?", (request.id,))

    def waiting(self) -> int:
        """How many requests have not been forwarded."""
        with self._lock:
            count: int = self._database.execute("SELECT count(*) FROM requests").fetchone()[0]
        return count

    def close(self) -> None:
        with self._lock:
            self._database.close()

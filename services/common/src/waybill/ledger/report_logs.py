"""What the jobs of reports print and log. It is no change of a report: nothing is published."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from uuid import UUID

from waybill.domain import LogChunk, LogPosition, LogRecord, NewLogChunk, records_after
from waybill.ledger.transactions import Transactions
from waybill.store import WantedLog
from waybill.store.statements import report_logs

_READ = 64
"""Chunks at once, each of about 16 KiB."""


class ReportLogs:
    """Each method is one transaction, but for `records`, and raises `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def write(self, chunks: Sequence[NewLogChunk]) -> None:
        """Each once, however often it is written."""
        with self._transactions.reading() as connection:
            report_logs.put(connection, chunks)

    def trim(self, report_ids: Sequence[UUID], max_bytes: int) -> None:
        """Of each report, half of `max_bytes` stays from the beginning and half of it from the end."""
        with self._transactions.reading() as connection:
            report_logs.trim(connection, report_ids, max_bytes)

    def after_each(self, wanted: Sequence[WantedLog], limit: int) -> list[list[LogChunk]]:
        """Of each, the first `limit` chunks that there are."""
        found: list[list[LogChunk]] = [[] for _ in wanted]
        with self._transactions.reading() as connection:
            for number, chunk in report_logs.after_each(connection, wanted, limit):
                found[number].append(chunk)
        return found

    def has_more(self, report_id: UUID, after: LogPosition) -> bool:
        """Whether there is anything after a position."""
        (found,) = self.after_each([WantedLog(report_id, after)], 1)
        return bool(found)

    def page(self, wanted: WantedLog, step: str | None, limit: int) -> tuple[list[LogRecord], bool]:
        """The first `limit` records, of one step or of all, and whether there are more."""
        records = (
            record
            for record in self._records(wanted)
            if step is None or record.dropped or record.step == step
        )
        found = list(islice(records, limit + 1))
        return found[:limit], len(found) > limit

    def newest(
        self, report_id: UUID, limit: int, step: str | None = None, stream: str | None = None
    ) -> tuple[list[LogRecord], bool]:
        """The last `limit` records in order, of one step and one stream or of all; and whether there may be
        earlier ones. It looks at about the last MiB alone."""
        with self._transactions.reading() as connection:
            chunks = report_logs.newest(connection, report_id, _READ)
        if not chunks:
            return [], False
        first = chunks[0]
        beginning = LogPosition(first.attempt, first.line - 1)
        found = [
            record
            for record in records_after(beginning, chunks)
            if record.dropped
            or ((step is None or record.step == step) and (stream is None or record.stream == stream))
        ]
        return found[-limit:], len(found) > limit or len(chunks) == _READ

    def _records(self, wanted: WantedLog) -> Iterator[LogRecord]:
        while True:
            (chunks,) = self.after_each([wanted], _READ)
            yield from records_after(wanted.after, chunks)
            if len(chunks) < _READ:
                return
            wanted = replace(wanted, after=chunks[-1].position)

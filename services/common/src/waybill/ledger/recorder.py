"""What every change of a report has in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection, Engine

from waybill.domain import Report
from waybill.messages import Command, StatusEvent
from waybill.store import OutboxMessage, StoreUnavailable, is_unavailable
from waybill.store.statements import events, outbox
from waybill.topics import Topics

Announce = Callable[[str], None]
"""Told a message key right after the commit that put messages of this key into the outbox."""


class Recorder:
    """Transactions, in which each change of a report is put down with its event and its messages."""

    def __init__(
        self,
        engine: Engine,
        topics: Topics,
        announce: Announce,
        enqueue_again: timedelta = timedelta(minutes=15),
    ) -> None:
        """`enqueue_again`: after how long without a claim a report gets another command."""
        self._engine = engine
        self.topics = topics
        self.announce = announce
        self.enqueue_again = enqueue_again

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commits at the end. Raises `StoreUnavailable` where the database is away; then nothing is changed,
        or, if the connection broke in the commit itself, everything may have been."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except Exception as error:
            if is_unavailable(error):
                raise StoreUnavailable("The database cannot be reached now; nothing is lost.") from error
            raise

    def record(
        self, connection: Connection, event: StatusEvent, report: Report, *more: OutboxMessage
    ) -> None:
        """The event of the change that has led to `report`, kept and announced, and then `more` messages."""
        data = event.model_dump(mode="json")
        events.append(connection, report, event.type, data)
        told = OutboxMessage(self.topics.report_status, str(report.id), data, report.carrier)
        outbox.put(connection, [told, *more])

    def command(self, report: Report) -> OutboxMessage:
        """Tells a worker to produce the report."""
        command = Command(report_id=report.id, kind=report.kind)
        value = command.model_dump(mode="json", exclude_none=True)
        return OutboxMessage(self.topics.report, str(report.id), value, report.carrier, traced=True)

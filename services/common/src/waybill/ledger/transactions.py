"""Transactions on the database: one to read, or one in which reports change."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from waybill.ledger.audit_log import export
from waybill.ledger.changes import Changes
from waybill.ledger.outgoing import Committed, Outgoing, Published
from waybill.ledger.recording import Recording
from waybill.store import StoreUnavailable, direct, is_refused, is_unavailable
from waybill.store.statements import outbox
from waybill.store.statements.admission import Limiting
from waybill.topics import Topics

log = structlog.get_logger(__name__)

Made = TypeVar("Made", bound=Recording)


class Transactions:
    """Threads may share one. Every method raises `StoreUnavailable` where the database is away, or refuses
    what it should take from anyone; a value that it cannot take is another error.

    Then nothing has changed; or, if the connection broke in the commit itself, everything may have.
    """

    def __init__(
        self,
        engine: Engine,
        topics: Topics,
        outgoing: Outgoing,
        requeue_after: timedelta = timedelta(minutes=15),
    ) -> None:
        """`outgoing` gets what is to be published. `requeue_after`: the time without a claim after which a
        report gets another command."""
        self._engine = engine
        self.topics = topics
        self._outgoing = outgoing
        self._requeue_after = requeue_after
        self._limiting = Limiting()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that writes no messages."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except Exception as error:
            if is_unavailable(error):
                raise StoreUnavailable("The database is unavailable: try again later.") from error
            if is_refused(error):
                log.exception("statement refused by the database: check its schema and the role's privileges")
                raise StoreUnavailable("The database refuses a statement: try again later.") from error
            raise

    def has_waited(self, age: timedelta) -> bool:
        """Whether anything has waited for so long to be published: a look that costs next to nothing."""
        return outbox.has_older(self._engine, age)

    def changes(self) -> AbstractContextManager[Changes]:
        """Any number of changes, committed together at the end of the block; then the relay gets what is to
        be published. What it has published meanwhile is forgotten in the same transaction."""
        return self._changes(self.reading(), Changes)

    def direct_changes(self, *, briefly: bool) -> AbstractContextManager[Recording]:
        """As `changes`, for what is written all the time: it costs less. `briefly`: it waits for locks for a
        second at most. Raises `NotDirectly` where it has to be written by `changes`."""
        return self._changes(direct.transaction(self._engine, briefly=briefly), Recording)

    @contextmanager
    def _changes(
        self, opened: AbstractContextManager[Any], make: Callable[[Any, Topics, timedelta, Limiting], Made]
    ) -> Iterator[Made]:
        since = time.monotonic()
        published = Published()
        try:
            with opened as connection:
                changes = make(connection, self.topics, self._requeue_after, self._limiting)
                yield changes
                published = self._outgoing.take_published()
                written = changes.write_records(published)
            records = written()
            export(changes.audited)
        except BaseException:
            self._outgoing.failed(published)
            raise
        self._outgoing.committed(
            published, Committed(records.entries, records.waiting, since, published.keys)
        )

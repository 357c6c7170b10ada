"""Transactions on the database: one to read, or one in which reports change."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from sqlalchemy import Connection, Engine

from waybill.ledger.changes import Changes
from waybill.ledger.outgoing import Committed, Outgoing, Published
from waybill.store import StoreUnavailable, for_brief_waits, is_refused, is_unavailable
from waybill.topics import Topics

log = structlog.get_logger(__name__)


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
        self._brief = for_brief_waits(engine)
        self.topics = topics
        self._outgoing = outgoing
        self._requeue_after = requeue_after

    @contextmanager
    def reading(self, *, briefly: bool = False) -> Iterator[Connection]:
        """A transaction that writes no messages. `briefly`: it does not wait long for locks."""
        try:
            with (self._brief if briefly else self._engine).begin() as connection:
                yield connection
        except Exception as error:
            if is_unavailable(error):
                raise StoreUnavailable("The database is unavailable: try again later.") from error
            if is_refused(error):
                log.exception("statement refused by the database: check its schema and the role's privileges")
                raise StoreUnavailable("The database refuses a statement: try again later.") from error
            raise

    @contextmanager
    def changes(self, *, briefly: bool = False) -> Iterator[Changes]:
        """Any number of changes, committed together at the end of the block; then the relay gets what is to
        be published. What it has published meanwhile is forgotten in the same transaction."""
        since = time.monotonic()
        published = Published()
        try:
            with self.reading(briefly=briefly) as connection:
                changes = Changes(connection, self.topics, self._requeue_after)
                yield changes
                published = self._outgoing.take_published()
                entries, waiting = changes.write_records(published)
        except BaseException:
            self._outgoing.failed(published)
            raise
        self._outgoing.committed(published, Committed(entries, waiting, since, published.keys))

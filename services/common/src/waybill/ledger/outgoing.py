"""What changes have left to be published, on its way from the ledger to the relay of the same process."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from waybill.domain import Carrier
from waybill.messages import Command
from waybill.store import OutboxMessage, Publication
from waybill.topics import Topics

Row = Publication | int
"""Of the outbox: one of `publications`, or, by its id, one of the table `outbox`."""


@dataclass(frozen=True)
class Entry:
    """A row of the outbox with its messages, in their order. It is deleted once all were acknowledged."""

    row: Row
    key: str
    messages: Sequence[OutboxMessage]


@dataclass(frozen=True)
class Committed:
    """What one transaction has left. `waiting`: which rows of its keys, and of those in `looked_for`, were
    there before it. `since`: when it began, on the monotonic clock: no row of it is older."""

    entries: Sequence[Entry]
    waiting: Mapping[str, Collection[Row]]
    since: float
    looked_for: Collection[str] = ()


@dataclass(frozen=True)
class Published:
    """What the next transaction is to forget, since it was published, and of which keys it is to say what
    still waits."""

    rows: Collection[Row] = ()
    keys: Collection[str] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.keys)


class Outgoing(Protocol):
    """The relay's side. Any thread may call any method; none blocks."""

    def take_published(self) -> Published:
        """For the transaction that is about to be committed."""

    def committed(self, done: Published, left: Committed) -> None:
        """It was, with `done`."""

    def failed(self, done: Published) -> None:
        """It was not, or that is unknown."""


class Nowhere:
    """For a process without a relay: others publish it."""

    def take_published(self) -> Published:
        return Published()

    def committed(self, done: Published, left: Committed) -> None:
        pass

    def failed(self, done: Published) -> None:
        pass


def publication_entry(
    topics: Topics, row: Publication, kind: str, carrier: Carrier | None, events: Sequence[str]
) -> Entry:
    """Of a report: the command that tells a worker to produce it, first, since one waits for it, and its
    events, as JSON."""
    key = str(row.report_id)
    messages = []
    if row.command:
        value = Command(report_id=row.report_id, kind=kind).model_dump(mode="json", exclude_none=True)
        messages.append(OutboxMessage(topics.report, key, value, carrier, traced=True))
    messages += [OutboxMessage(topics.report_status, key, event, carrier) for event in events]
    return Entry(row, key, messages)

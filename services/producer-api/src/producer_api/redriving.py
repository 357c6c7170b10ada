"""Restarts what dead letters are of, each by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from waybill.domain import Actor, Report
from waybill.ledger import DeadLetters, NotRedrivable
from waybill.store import StoredDeadLetter


@dataclass(frozen=True)
class Outcome:
    """What came of one letter: the report that was restarted, or why none was."""

    letter: StoredDeadLetter
    report: Report | None = None
    refused: str | None = None


def redrive_each(
    dead_letters: DeadLetters,
    letters: Iterable[StoredDeadLetter],
    actor: Actor | None,
    *,
    from_start: bool,
) -> Iterator[Outcome]:
    """Each in a transaction of its own. One that no longer waits is refused: its report may have a newer."""
    for letter in letters:
        if letter.redriven_at is not None:
            yield Outcome(letter, refused="It has been redriven already.")
            continue
        try:
            report = dead_letters.redrive_letter(letter, actor, from_start=from_start)
        except NotRedrivable as error:
            yield Outcome(letter, refused=str(error))
        else:
            yield Outcome(letter, report)

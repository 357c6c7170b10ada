"""What could not be done, kept with its reason until it is redriven."""

from uuid import UUID

from waybill.domain import Report
from waybill.ledger.errors import NotRedrivable
from waybill.ledger.letters import UnreadMessage, message_letter, stored_message_letter
from waybill.ledger.transactions import Transactions
from waybill.messages import Command, DeadLetter, UnreadableMessage, read_command
from waybill.store import DeadLetterFilter, StoredDeadLetter
from waybill.store.statements import dead_letters


class DeadLetters:
    """Keeps, lists and redrives dead letters. Each method is one transaction, as in `Ledger`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def keep(self, message: UnreadMessage, error: UnreadableMessage) -> DeadLetter:
        """A message that could not be read, once for each `source`."""
        letter = message_letter(message, error)
        with self._transactions.changes() as changes:
            changes.keep_letter(letter, stored_message_letter(letter, message), message.carrier)
        return letter

    def page(self, wanted: DeadLetterFilter) -> list[StoredDeadLetter]:
        """Newest first."""
        with self._transactions.reading() as connection:
            return dead_letters.page(connection, wanted)

    def redrive(self, report_id: UUID, letter_id: UUID | None = None) -> Report:
        """Restarts a failed or cancelled report, in its old trace; its letters and that of `letter_id` no
        longer wait. Raises `NotRedrivable`."""
        with self._transactions.changes() as changes:
            return changes.redrive(report_id, letter_id)

    def redrive_letter(self, letter: StoredDeadLetter) -> Report:
        """Redrives the report of a letter; of a message, the one that it names if it can be read by now.
        Raises `NotRedrivable`."""
        return self.redrive(letter.report_id or _named_in(letter), letter.id)


def _named_in(letter: StoredDeadLetter) -> UUID:
    try:
        parsed = read_command(letter.key, letter.value)
    except UnreadableMessage as error:
        raise NotRedrivable(f"The message still cannot be read: {error}") from None
    if not isinstance(parsed, Command):
        raise NotRedrivable("The message has no report_id, so there is no report to restart.")
    return parsed.report_id

"""What could not be done, kept with its reason until it is redriven."""

from collections.abc import Callable
from uuid import UUID

from waybill.domain import Action, Actor, EvidencePolicy, Report, Scope
from waybill.ledger.errors import NotRedrivable
from waybill.ledger.letters import (
    UnreadMessage,
    cut_bytes,
    message_letter,
    stored_bytes,
    stored_message_letter,
)
from waybill.ledger.transactions import Transactions
from waybill.messages import Command, DeadLetter, UnreadableMessage, read_command
from waybill.store import DeadLetterFilter, MessageBeginning, StoredDeadLetter, StoredMessage, Trimmed
from waybill.store.statements import dead_letters

OnTrimmed = Callable[[str, int], None]
"""Gets the limit beyond which bytes of messages are not stored, `letter` or `total`, and how many bytes."""


class DeadLetters:
    """Keeps, lists and redrives dead letters. Each method is one transaction, as in `Ledger`."""

    def __init__(
        self,
        transactions: Transactions,
        evidence: EvidencePolicy | None = None,
        on_trimmed: OnTrimmed = lambda _why, _bytes: None,
    ) -> None:
        self._transactions = transactions
        self._evidence = evidence or EvidencePolicy()
        self._on_trimmed = on_trimmed
        self._stored = self._evidence.trim_after_bytes  # so that the first message's look is at all of before

    def keep(self, message: UnreadMessage, error: UnreadableMessage) -> DeadLetter:
        """A message that could not be read, once for each `source`; of its bytes what the policy allows."""
        letter, policy = message_letter(message, error), self._evidence
        row = stored_message_letter(letter, message, policy.max_bytes)
        stored, trimmed = self._stored + stored_bytes(row), Trimmed(0, 0)
        with self._transactions.changes() as changes:
            is_new = changes.keep_letter(letter, row, message.carrier)
            if stored > policy.trim_after_bytes:
                stored, trimmed = 0, dead_letters.trim(changes.connection, policy.max_total_bytes)
        self._stored = stored
        for why, count in (("letter", cut_bytes(row) if is_new else 0), ("total", trimmed.bytes)):
            if count:
                self._on_trimmed(why, count)
        return letter

    def page(self, wanted: DeadLetterFilter) -> list[StoredDeadLetter]:
        """Newest first."""
        with self._transactions.reading() as connection:
            return dead_letters.page(connection, wanted)

    def reasons(self, scope: Scope, limit: int) -> dict[str, int]:
        """How many of the newest `limit` that wait have each reason; the most frequent first."""
        with self._transactions.reading() as connection:
            return dead_letters.reasons(connection, scope, limit)

    def beginning(self, letter_id: UUID, size: int) -> MessageBeginning | None:
        """At most `size` bytes of the key and of the value of a letter's message; None where the letter is
        gone."""
        with self._transactions.reading() as connection:
            return dead_letters.beginning(connection, letter_id, size)

    def redrive(
        self,
        report_id: UUID,
        letter_id: UUID | None = None,
        actor: Actor | None = None,
        action: Action = Action.RETRY,
        *,
        from_start: bool = False,
    ) -> Report:
        """Restarts a failed or cancelled report, in its old trace; its letters and that of `letter_id` no
        longer wait. `actor`: who asks for it, if that is known. `from_start`: what its steps have stored is
        removed, else they are not run again. Raises `NotRedrivable`."""
        with self._transactions.changes() as changes:
            report = changes.redrive(report_id, letter_id, from_start=from_start)
            changes.audit(report.audit_event(actor, action))
        return report

    def redrive_letter(
        self, letter: StoredDeadLetter, actor: Actor | None = None, *, from_start: bool = False
    ) -> Report:
        """Redrives the report of a letter, as `redrive`; of a message, the one that it names if it can be
        read by now. Raises `NotRedrivable`."""
        report_id = letter.report_id or self._named_in(letter.id)
        return self.redrive(report_id, letter.id, actor, Action.REDRIVE, from_start=from_start)

    def _named_in(self, letter_id: UUID) -> UUID:
        with self._transactions.reading() as connection:
            message = dead_letters.message(connection, letter_id)
        if message is None:
            raise NotRedrivable("The dead letter is no longer kept.")
        if reason := _incomplete(message):
            raise NotRedrivable(reason)
        try:
            parsed = read_command(message.key, message.value)
        except UnreadableMessage as error:
            raise NotRedrivable(f"The message still cannot be read: {error}") from None
        if not isinstance(parsed, Command):
            raise NotRedrivable("The message has no report_id, so there is no report to restart.")
        return parsed.report_id


def _incomplete(message: StoredMessage) -> str | None:
    """Why the message is not there as it came; None where it is."""
    size = f"Its value had {message.value_size} bytes, with the SHA-256 {message.value_sha256}."
    if message.trimmed_at is not None:
        return f"The message's bytes were removed, since all dead letters together had too many. {size}"
    if message.value is not None and len(message.value) < (message.value_size or 0):
        return f"Only the first {len(message.value)} bytes of the message's value are stored. {size}"
    return None

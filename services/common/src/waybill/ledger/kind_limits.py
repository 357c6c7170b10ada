"""Limits of kinds, and kinds that are paused."""

from collections.abc import Iterable
from uuid import UUID

from waybill.domain import Action, Actor, AuditEvent, KindLimit, Report, Status
from waybill.ledger.transactions import Transactions
from waybill.store.statements import kind_limits


class KindLimits:
    """Each method is one transaction, and raises `StoreUnavailable`. What it changes holds from its commit
    on, in all processes: reports that run then go on."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def all(self) -> dict[str, KindLimit]:
        """Those of all kinds that have one, or are paused, by their names."""
        with self._transactions.reading() as connection:
            return kind_limits.all_of(connection)

    def is_paused(self, report: Report) -> bool:
        """Whether it waits, and its kind is paused."""
        return bool(self.paused([report]))

    def paused(self, reports: Iterable[Report]) -> set[UUID]:
        """Those of them that wait, and whose kind is paused."""
        waiting = [report for report in reports if report.status is Status.INIT]
        if not waiting:
            return set()
        kinds = {one.kind for one in self.all().values() if one.is_paused}
        return {report.id for report in waiting if report.kind in kinds}

    def pause(self, actor: Actor, kind: str, reason: str | None) -> KindLimit:
        """No report of the kind starts any more. Those that are requested are accepted, and wait."""
        with self._transactions.changes() as changes:
            found = kind_limits.pause(changes.connection, kind, actor.owner.name, reason)
            changes.audit(_event(actor, Action.PAUSE_KIND, kind))
        return found

    def resume(self, actor: Actor, kind: str) -> KindLimit:
        """Reports of the kind start again, in their old order."""
        with self._transactions.changes() as changes:
            found = kind_limits.resume(changes.connection, kind)
            changes.audit(_event(actor, Action.RESUME_KIND, kind))
        return found

    def limit(self, actor: Actor, kind: str, max_running: int | None) -> KindLimit:
        """At most this number of the kind's reports run at once, in all tenants; None for no limit."""
        with self._transactions.changes() as changes:
            found = kind_limits.limit(changes.connection, kind, max_running)
            most = "any number" if max_running is None else str(max_running)
            changes.audit(_event(actor, Action.LIMIT_KIND, f"{kind}: {most}"))
        return found


def _event(actor: Actor, action: Action, subject: str) -> AuditEvent:
    """Kinds are those of each tenant."""
    return AuditEvent(actor, action, "*", subject=subject)

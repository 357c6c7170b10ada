"""The limits of tenants and owners: they are set here, and hold for the next request in every process."""

import math

from waybill.domain import (
    EACH,
    Action,
    Actor,
    AuditEvent,
    Holder,
    HolderLimits,
    Level,
    Owner,
    Scope,
    Usage,
    values_for,
)
from waybill.ledger.transactions import Transactions
from waybill.store.statements import kept_bytes, limits

_MINUTE = 60


class Limits:
    """Each method is one transaction, but for `set`, and raises `StoreUnavailable`. `actor`: who asks for it,
    if that is known."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def page(self, scope: Scope) -> list[HolderLimits]:
        """All that hold for those whom `scope` means."""
        with self._transactions.reading() as connection:
            return limits.page(connection, scope)

    def set(self, wanted: HolderLimits, actor: Actor | None = None) -> None:
        """Instead of those that the holder has. A limit of kept bytes has them counted afterwards, which
        reads all reports; until then nothing counts against it."""
        with self._transactions.changes() as changes:
            limits.put(changes.connection, wanted)
            limits.forget_paid(changes.connection)
            changes.audit(_event(actor, Action.SET_LIMITS, wanted))
        with self._transactions.reading() as connection:
            if wanted.values.max_kept_bytes is not None:
                kept_bytes.count(connection, wanted.holder)
            kept_bytes.forget(connection)

    def remove(self, holder: Holder, actor: Actor | None = None) -> HolderLimits | None:
        """What it had; None where it had none of its own."""
        with self._transactions.changes() as changes:
            removed = limits.remove(changes.connection, holder)
            if removed is None:
                return None
            limits.forget_paid(changes.connection)
            kept_bytes.forget(changes.connection)
            changes.audit(_event(actor, Action.REMOVE_LIMITS, removed))
        return removed

    def usage(self, level: Level, owner: Owner) -> tuple[HolderLimits, Usage]:
        """What holds for an owner, or for its tenant, and what it has now."""
        with self._transactions.reading() as connection:
            rows = limits.page(connection, Scope(owner.tenant))
            used = limits.used(connection, level, owner)
        values = values_for(level, owner, rows)
        holder = Holder(level, owner.tenant, owner.name if level is Level.OWNER else EACH)
        usage = Usage(
            queued=used.queued,
            running=used.running,
            requests=math.ceil(used.owed_seconds * (values.max_requests_per_minute or 0) / _MINUTE),
            streams=used.streams,
            kept_bytes=None if values.max_kept_bytes is None else used.kept_bytes or 0,
        )
        return HolderLimits(holder, values), usage


def _event(actor: Actor | None, action: Action, limits: HolderLimits) -> AuditEvent | None:
    if actor is None:
        return None
    subject = f"{limits.holder.level} {limits.holder}: {limits.values}"
    return AuditEvent(actor, action, limits.holder.tenant or "*", subject=subject)

"""Filters of the list of reports that clients keep under names."""

from collections.abc import Callable, Mapping

from waybill.domain import Action, Actor, AuditEvent, Owner, SavedView
from waybill.errors import WaybillError
from waybill.ledger.transactions import Transactions
from waybill.store.statements import saved_views

_MOST = 50


class TooManySavedViews(WaybillError):  # noqa: N818 - the name is the sentence
    """An owner has as many as it may."""


class SavedViews:
    """Each method is one transaction, and raises `StoreUnavailable`. `actor`: who asks for it, if that is
    known."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def usable(self, owner: Owner) -> list[SavedView]:
        """The owner's, then those that others share in its tenant, each by name: 100 at most."""
        with self._transactions.reading() as connection:
            return saved_views.usable(connection, owner)

    def put(
        self,
        owner: Owner,
        name: str,
        fields: Mapping[str, str],
        *,
        shared: bool,
        actor: Actor | None = None,
    ) -> SavedView:
        """Instead of what the owner has under this name. Raises `TooManySavedViews`."""
        with self._transactions.changes() as changes:
            if saved_views.number(changes.connection, owner, but=name) >= _MOST:
                raise TooManySavedViews(f"You have {_MOST} views already: remove one, or replace one.")
            kept = saved_views.put(changes.connection, owner, name, fields, shared)
            changes.audit(_event(actor, Action.SAVE_VIEW, kept))
        return kept

    def remove(
        self, owner: Owner, name: str, may: Callable[[SavedView], bool], actor: Actor | None = None
    ) -> SavedView | None:
        """Of this owner. What it was; None where there is none, or `may` says that it stays."""
        with self._transactions.changes() as changes:
            found = saved_views.get(changes.connection, owner, name)
            if found is None or not may(found):
                return None
            saved_views.remove(changes.connection, found)
            changes.audit(_event(actor, Action.REMOVE_VIEW, found))
        return found


def _event(actor: Actor | None, action: Action, found: SavedView) -> AuditEvent | None:
    return AuditEvent(actor, action, found.owner.tenant, subject=found.name) if actor else None

"""Parameters of kinds that clients keep under names."""

from collections.abc import Callable, Mapping
from typing import Any

from waybill.domain import Action, Actor, AuditEvent, Owner, ParameterSet
from waybill.errors import WaybillError
from waybill.ledger.transactions import Transactions
from waybill.store.statements import parameter_sets

_MOST = 100


class TooManyParameterSets(WaybillError):  # noqa: N818 - the name is the sentence
    """An owner has as many for this kind as it may."""


class ParameterSets:
    """Each method is one transaction, and raises `StoreUnavailable`. `actor`: who asks for it, if that is
    known."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def usable(self, owner: Owner, kind: str) -> list[ParameterSet]:
        """The owner's, and those that are shared in its tenant, by name: 500 at most."""
        with self._transactions.reading() as connection:
            return parameter_sets.usable(connection, owner, kind)

    def get(self, owner: Owner, kind: str, name: str) -> ParameterSet | None:
        """The owner's; else one that is shared in its tenant."""
        with self._transactions.reading() as connection:
            return parameter_sets.get(connection, owner, kind, name)

    def put(
        self,
        owner: Owner,
        kind: str,
        name: str,
        parameters: Mapping[str, Any],
        *,
        shared: bool,
        actor: Actor | None = None,
    ) -> ParameterSet:
        """Instead of what the owner has under this name. Raises `TooManyParameterSets`."""
        with self._transactions.changes() as changes:
            if parameter_sets.number(changes.connection, owner, kind, but=name) >= _MOST:
                raise TooManyParameterSets(
                    f"name: you have {_MOST} sets for {kind} already; remove one, or replace it."
                )
            found = parameter_sets.put(changes.connection, owner, kind, name, parameters, shared)
            changes.audit(_event(actor, Action.SAVE_PARAMETERS, found))
        return found

    def remove(
        self,
        owner: Owner,
        kind: str,
        name: str,
        may: Callable[[ParameterSet], bool],
        actor: Actor | None = None,
    ) -> ParameterSet | None:
        """What it was; None where there is none, or `may` says of one that is another's that it stays."""
        with self._transactions.changes() as changes:
            found = parameter_sets.get(changes.connection, owner, kind, name)
            if found is None or (found.owner != owner and not may(found)):
                return None
            parameter_sets.remove(changes.connection, found)
            changes.audit(_event(actor, Action.REMOVE_PARAMETERS, found))
        return found


def _event(actor: Actor | None, action: Action, found: ParameterSet) -> AuditEvent | None:
    if actor is None:
        return None
    return AuditEvent(actor, action, found.owner.tenant, subject=f"{found.kind}: {found.name}")

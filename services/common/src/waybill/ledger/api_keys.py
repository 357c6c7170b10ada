"""The keys by which the API knows its clients."""

import hmac
from collections.abc import Collection
from datetime import timedelta

from waybill.domain import Action, Actor, ApiKey, AuditEvent, Owner, Role, Secret
from waybill.ledger.transactions import Transactions
from waybill.store.statements import api_keys

_NOTE_USE_EVERY = timedelta(minutes=1)


class ApiKeys:
    """Makes, finds and revokes keys. Each method is one transaction, and raises `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def create(
        self,
        actor: Actor,
        name: str,
        owner: Owner,
        roles: Collection[Role],
        lifetime: timedelta | None = None,
    ) -> tuple[ApiKey, Secret]:
        """A new key; what this returns is the only time that its secret is known."""
        secret = Secret.new()
        with self._transactions.changes() as changes:
            key = api_keys.put(
                changes.connection,
                secret.id,
                secret.sha256,
                name=name,
                owner=owner,
                roles=roles,
                created_by=f"{actor.owner.name} ({actor.credential})",
                lifetime=lifetime,
            )
            changes.audit(_event(actor, Action.CREATE_KEY, key))
        return key, secret

    def page(self) -> list[ApiKey]:
        """All of them, those that can be used no more too."""
        with self._transactions.reading() as connection:
            return api_keys.page(connection)

    def rotate(self, actor: Actor, key_id: str) -> tuple[ApiKey, Secret] | None:
        """Another secret for a key; the one of before can be used no more. None where there is no such key,
        or it can be used no more itself."""
        secret = Secret.new(key_id)
        with self._transactions.changes() as changes:
            key = api_keys.rotate(changes.connection, key_id, secret.sha256)
            if key is None:
                return None
            changes.audit(_event(actor, Action.ROTATE_KEY, key))
        return key, secret

    def revoke(self, actor: Actor, key_id: str) -> ApiKey | None:
        """None where there is no such key, or it was revoked before."""
        with self._transactions.changes() as changes:
            key = api_keys.revoke(changes.connection, key_id)
            if key:
                changes.audit(_event(actor, Action.REVOKE_KEY, key))
        return key

    def usable(self, secret: Secret) -> ApiKey | None:
        """The key of a secret, if it may be used now. Notes that it is, to the minute."""
        with self._transactions.reading() as connection:
            stored = api_keys.usable(connection, secret.id)
            # Compared for a key that does not exist too, so that the time does not tell whether it does.
            expected = stored.secret_sha256 if stored else bytes(len(secret.sha256))
            if not hmac.compare_digest(expected, secret.sha256) or stored is None:
                return None
            api_keys.note_use(connection, secret.id, _NOTE_USE_EVERY)
        return stored.key


def _event(actor: Actor, action: Action, key: ApiKey) -> AuditEvent:
    return AuditEvent(actor, action, key.owner.tenant, subject=key.id)

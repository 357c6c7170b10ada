"""A relay as a process has it, with the keys that it is notified of."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine

from waybill.ledger import Transactions
from waybill.outbox import PendingKeys, Publisher, Relay, RelayPolicy
from waybill.topics import Topics


class StartedRelay:
    """Runs from the start until `stop`."""

    def __init__(
        self,
        engine: Engine,
        topics: Topics,
        make_publisher: Callable[[], Publisher],
        policy: RelayPolicy | None = None,
    ) -> None:
        self._pending = PendingKeys()
        transactions = Transactions(engine, topics, self._pending.add)
        self._relay = Relay(transactions, self._pending, make_publisher, policy)
        self._relay.start()

    def notify(self, key: str) -> None:
        """Messages of `key` have been committed."""
        self._pending.add(key)

    def stop(self, timeout: timedelta) -> bool:
        """Whether it ended in time."""
        return self._relay.stop(timeout)

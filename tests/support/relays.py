"""A relay as a process has it, with what its process has committed."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine

from waybill.ledger import Committed, Published, Transactions
from waybill.outbox import Pending, Publisher, Relay, RelayPolicy
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
        self._pending = Pending()
        transactions = Transactions(engine, topics, self._pending)
        self._relay = Relay(transactions, self._pending, make_publisher, policy)
        self._relay.start()

    def hand_over(self, left: Committed) -> None:
        """A transaction of its process has left this."""
        self._pending.committed(Published(), left)

    def stop(self, timeout: timedelta) -> bool:
        """Whether it ended in time."""
        return self._relay.stop(timeout)

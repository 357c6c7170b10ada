"""Which keys of the outbox the relay has to look at, and which it may have published out of order."""

import threading
from collections.abc import Iterable


class PendingKeys:
    """Keys of messages that this process has committed, for the relay to publish at once.

    Only a hint: a key that is missing here is found by the sweep. Any thread may call any method.
    """

    def __init__(self, limit: int = 10_000) -> None:
        """Beyond `limit` keys, further ones are left to the sweep."""
        self._limit = limit
        self._keys: dict[str, None] = {}
        self._stopping = False
        self._condition = threading.Condition()

    def add(self, key: str) -> None:
        """Messages of `key` have been committed. Never blocks."""
        with self._condition:
            if len(self._keys) < self._limit:
                self._keys[key] = None
            self._condition.notify()

    def put_back(self, keys: Iterable[str]) -> None:
        """Before all others: they were taken, and not published."""
        with self._condition:
            self._keys = dict.fromkeys(keys) | self._keys

    def take(self, count: int, timeout: float) -> list[str]:
        """The first `count`; waits for one, for `timeout` seconds at most, or until `stop`."""
        with self._condition:
            if not self._keys and not self._stopping:
                self._condition.wait(max(0.0, timeout))
            taken = list(self._keys)[:count]
            for key in taken:
                del self._keys[key]
            return taken

    def pause(self, timeout: float) -> None:
        """Waits for `timeout` seconds, or until `stop`; keys that are added meanwhile wait."""
        with self._condition:
            self._condition.wait_for(lambda: self._stopping, timeout)

    def stop(self) -> None:
        """Ends every wait, now and later."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    @property
    def stopping(self) -> bool:
        return self._stopping

    def __bool__(self) -> bool:
        return bool(self._keys)


class UnackedKeys:
    """Keys with messages that the broker has not acknowledged. The relay's thread alone uses it.

    Such a message may still arrive, after messages that were published later: `reordered` are the keys for
    which that is possible, and whose latest state must be published again.
    """

    def __init__(self) -> None:
        self.unacked: set[str] = set()
        self.reordered: set[str] = set()

    def sent(self, acked: set[str], unacked: set[str]) -> None:
        """The outcome of a batch, by key."""
        self.published(acked)
        self.unacked |= unacked

    def published(self, keys: set[str]) -> None:
        """By this process or another, after messages of theirs that were not acknowledged."""
        self.reordered |= self.unacked & keys
        self.unacked -= keys

    def in_doubt(self, keys: set[str]) -> None:
        """The transaction that locked them broke: another relay may have published them meanwhile."""
        self.reordered |= keys

    def take_reordered(self) -> list[str]:
        """Those to publish again, which stay until `republished`."""
        return sorted(self.reordered)

    def republished(self) -> None:
        self.reordered.clear()

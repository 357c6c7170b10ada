"""What this process has committed and the relay has not published yet, and what it has published and no
transaction has deleted yet."""

import threading
from collections import deque
from collections.abc import Collection

from waybill.ledger import Committed, Published, Row


class Pending:
    """Between the threads that commit and the relay's. No method blocks but `take` and `pause`.

    Only a shortcut: what is missing here, as after a crash, is found in the tables by the sweep.
    """

    def __init__(self, limit: int = 10_000) -> None:
        """Beyond `limit` transactions, what further ones leave is left to the sweep."""
        self._limit = limit
        self._committed: deque[Committed] = deque()
        self._published: list[Row] = []
        self._deleted: list[Row] = []
        self._keys: Collection[str] = ()
        self._stopping = False
        self._changed = threading.Condition()

    # --- of any thread that commits: see `waybill.ledger.Outgoing`

    def take_published(self) -> Published:
        with self._changed:
            taken, self._published = self._published, []
            return Published(taken, self._keys)

    def committed(self, done: Published, left: Committed) -> None:
        if not (done or left.entries):
            return
        with self._changed:
            self._deleted += done.rows
            if len(self._committed) < self._limit:
                self._committed.append(left)
            self._changed.notify()

    def failed(self, done: Published) -> None:
        with self._changed:
            self._published += done.rows

    # --- of the relay's thread

    def take(self, timeout: float) -> list[Committed]:
        """All there is; waits for something, for `timeout` seconds at most, or until `stop`."""
        with self._changed:
            if not self._committed and not self._stopping:
                self._changed.wait(max(0.0, timeout))
            taken = list(self._committed)
            self._committed.clear()
            return taken

    def take_deleted(self) -> list[Row]:
        """What is no longer in the tables."""
        with self._changed:
            deleted, self._deleted = self._deleted, []
            return deleted

    def published(self, rows: Collection[Row]) -> None:
        """The next transaction of whichever thread forgets them."""
        with self._changed:
            self._published += rows

    def look_for(self, keys: Collection[str]) -> None:
        """The next transactions say what else of these keys still waits."""
        self._keys = keys

    @property
    def to_settle(self) -> bool:
        """Whether the next transaction has something to forget, or to look for."""
        return bool(self._published or self._keys)

    def pause(self, timeout: float) -> None:
        """Waits for `timeout` seconds, or until `stop`."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, timeout)

    def stop(self) -> None:
        """Ends every wait, now and later."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    @property
    def stopping(self) -> bool:
        return self._stopping

    def __bool__(self) -> bool:
        return bool(self._committed)

"""Which keys the relay may have published out of order."""


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

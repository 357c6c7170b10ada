"""How many reports of a kind may run at once, and whether any may start."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class KindLimit:
    """Of one kind, in all tenants. `max_running`: None for any number. One that is paused has `paused_at`;
    `reason` is for people."""

    kind: str
    max_running: int | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None
    reason: str | None = None

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None

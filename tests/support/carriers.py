"""Trace contexts as a foreign caller makes them."""

import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ForeignSpan:
    """A span that nobody stores; it only is somebody's parent."""

    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.id}-01"

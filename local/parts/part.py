"""What the stack can run: parts, which stay, and tasks, which end."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """A command that must end with 0 before whatever `needs` it starts."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: Path = Path(os.devnull)
    seconds: float = 120


@dataclass(frozen=True)
class Part:
    """A process that stays. It is started after `needs` and stopped before them."""

    name: str
    command: tuple[str, ...]
    port: int
    """The one that people know it by."""
    health: str
    """URL for `local.probes.answers`."""
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 120
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 15


Node = Task | Part

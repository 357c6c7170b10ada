"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Numbers of reports, and times in seconds."""

    name: str
    alone: int
    """Reports one after the other; a third of them with eleven steps."""
    loaded: int
    """Reports requested at once; a fifth of them with eleven steps."""
    kept: bool = False
    """Whether the figures are worth a place in docs/performance.md."""
    ratios: bool = True
    """Whether ratios are measured too, or counts alone."""
    rounds: int = 5
    drained: int = 3000
    """Reports that wait when the workers start."""
    peers_drained: int = 1500
    """Jobs that wait when the workers of a peer start: of a faster one a few would be over at once."""
    accept_seconds: float = 5.0
    starts: int = 20
    """Calls of each system, in each round."""
    waiting: int = 20_000
    """Reports that wait in the larger backlog; a hundredth in the smaller one, but a thousand at least."""
    streams: int = 200
    changes: int = 200
    """Of a report's status, that are streamed."""
    fibo: int = 33
    """Which number of Fibonacci's."""


QUICK = Scale(name="quick", alone=24, loaded=150, ratios=False)
SMOKE = Scale(
    name="smoke",
    alone=6,
    loaded=20,
    rounds=2,
    drained=60,
    peers_drained=200,
    accept_seconds=1.5,
    starts=4,
    waiting=2000,
    streams=20,
    changes=40,
    fibo=25,
)
MEDIUM = Scale(name="medium", alone=40, loaded=300, kept=True)
FULL = Scale(
    name="full",
    kept=True,
    alone=100,
    loaded=1000,
    drained=20_000,
    peers_drained=20_000,
    accept_seconds=15,
    starts=50,
    waiting=1_000_000,
    streams=500,
    changes=1000,
)
"""What the table of docs/performance.md is about."""

SCALES = {scale.name: scale for scale in (QUICK, SMOKE, MEDIUM, FULL)}

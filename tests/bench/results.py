"""What was measured: figures with the circumstances, kept from run to run until they are measured again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Circumstances:
    """When and how something was measured; `load` is the lowest and the highest load average meanwhile."""

    command: str
    scale: str
    at: str
    cores: int
    load: tuple[float, float]


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds, and their lowest and highest.

    `sides` are the medians of what is compared, by name, in `unit`.
    """

    name: str
    value: float
    spread: tuple[float, float]
    rounds: int
    sides: Mapping[str, float]
    unit: str
    circumstances: Circumstances


@dataclass(frozen=True)
class Counted:
    """All counts of one run."""

    counts: Mapping[str, float]
    circumstances: Circumstances


@dataclass
class Results:
    """The last of each."""

    ratios: dict[str, Ratio] = field(default_factory=dict)
    counted: Counted | None = None

    def update(self, newer: "Results") -> None:
        self.ratios.update(newer.ratios)
        self.counted = newer.counted or self.counted

    def add(self, ratios: Sequence[Ratio]) -> None:
        self.ratios.update({ratio.name: ratio for ratio in ratios})


def save(file: Path, results: Results) -> None:
    text = json.dumps(asdict(results), indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")


def load(file: Path) -> Results:
    """Nothing, where there is no file."""
    if not file.exists():
        return Results()
    stored = json.loads(file.read_text())
    counted = stored["counted"]
    return Results(
        ratios={name: _ratio(one) for name, one in stored["ratios"].items()},
        counted=Counted(counted["counts"], _circumstances(counted["circumstances"])) if counted else None,
    )


def _ratio(stored: Mapping[str, Any]) -> Ratio:
    low, high = stored["spread"]
    circumstances = _circumstances(stored["circumstances"])
    return Ratio(**{**stored, "spread": (low, high), "circumstances": circumstances})


def _circumstances(stored: Mapping[str, Any]) -> Circumstances:
    low, high = stored["load"]
    return Circumstances(**{**stored, "load": (low, high)})

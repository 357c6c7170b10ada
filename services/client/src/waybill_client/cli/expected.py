"""The expected outcome of each report of the demonstration, and what differs from it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from waybill_client import SPINE, Node, Report, Status, Trace


@dataclass(frozen=True)
class ExpectedOutcome:
    """How a report of `kind` must end. Each method answers what is not so, in sentences."""

    kind: str
    status: Status
    media_type: str
    steps: tuple[str, ...]
    failing_step: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def span_names(self) -> tuple[str, ...]:
        return SPINE + self.steps

    def differs_in_report(self, report: Report) -> list[str]:
        """By what the API tells of the ended report."""
        differences = []
        if report.status is not self.status:
            reason = f" ({report.error.message})" if report.error else ""
            differences.append(f"it ended as {report.status}{reason} and not as {self.status}.")
        step = report.error.step if report.error else None
        if step != self.failing_step:
            differences.append(f"the failing step is {step or 'none'} and not {self.failing_step or 'none'}.")
        if report.artefact is None:
            differences.append("there is no artefact.")
        elif not report.artefact.media_type.startswith(self.media_type):
            differences.append(f"the artefact is {report.artefact.media_type} and not {self.media_type}.")
        return differences

    def differs_in_trace(self, trace: Trace) -> list[str]:
        """By a trace whose spans all have their parent."""
        expected = Counter(zip((None, *SPINE), SPINE, strict=False))
        expected.update((SPINE[-1], step) for step in self.steps)
        actual = Counter(_edges(trace.roots))
        differences = [f"the span {_place(edge)} is missing." for edge in expected - actual]
        differences += [f"the span {_place(edge)} does not belong there." for edge in actual - expected]
        failing = [step.name for step in trace.steps if step.failed]
        if failing != ([self.failing_step] if self.failing_step else []):
            differences.append(f"the failing steps of the trace are {', '.join(failing) or 'none'}.")
        if not any(time.recorded for time in trace.queue_times):
            differences.append("the time in Kafka was not recorded.")
        return differences

    def differs_in_artefact(self, path: Path) -> list[str]:
        """By the file, whose checksum is known to be right."""
        return [] if path.stat().st_size else ["the artefact is empty."]


EXPECTED = (
    ExpectedOutcome(
        "dowork",
        Status.FAIL,
        "text/plain",
        steps=tuple(f"doWork:{number}" for number in range(10)),
        failing_step="doWork:5",
    ),
    ExpectedOutcome(
        "flights",
        Status.DONE,
        "text/html",
        steps=(
            "load flights",
            "key figures",
            "delays by carrier",
            "delays by hour",
            "worst routes",
            "weather against delay",
            "charts",
            "render",
        ),
    ),
)
"""Of `waybill demo`, with the kinds' default parameters."""


def _edges(roots: Iterable[Node]) -> Iterable[tuple[str | None, str]]:
    """Each span's name with its parent's."""
    for root in roots:
        yield None, root.span.name
        for node in root.walk():
            yield from ((node.span.name, child.span.name) for child in node.children)


def _place(edge: tuple[str | None, str]) -> str:
    parent, name = edge
    return f"{name} under {parent}" if parent else f"{name} as the root"

"""A trace as JSON, and whether one that was saved so is the same as another."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from waybill_client import Trace

_Span = Mapping[str, Any]


def trace_json(trace: Trace, missing: Sequence[str] = ()) -> dict[str, Any]:
    """What `waybill trace --json` prints; times in microseconds."""
    spans = [asdict(span) for span in trace.spans]
    return {"trace_id": trace.id, "duration": trace.duration, "missing": list(missing), "spans": spans}


@dataclass(frozen=True)
class SavedTrace:
    """The spans of a trace as they were, by their ids."""

    spans: Mapping[str, _Span]

    @property
    def span_names(self) -> tuple[str, ...]:
        return tuple(str(span["name"]) for span in self.spans.values())

    def differences(self, trace: Trace) -> list[str]:
        """In sentences; empty when both have the same spans with the same content."""
        found = _by_id(json.loads(json.dumps(trace_json(trace)))["spans"])
        return [
            *(f"{_name(span)} is missing." for key, span in self.spans.items() if key not in found),
            *(f"{_name(span)} was not there before." for key, span in found.items() if key not in self.spans),
            *(
                f"{_name(span)}: {difference}."
                for key, span in self.spans.items()
                if key in found
                for difference in _differing_fields(span, found[key])
            ),
        ]


def read_saved(file: Path) -> SavedTrace:
    """What `waybill trace --json` wrote. A usage error where it is something else."""
    try:
        saved = SavedTrace(_by_id(json.loads(file.read_text())["spans"]))
        _ = saved.span_names
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise typer.BadParameter(
            f"{file} is not what 'waybill trace --json' prints: {error}", param_hint="--same-as"
        ) from error
    return saved


def _by_id(spans: Sequence[_Span]) -> dict[str, _Span]:
    return {str(span["id"]): span for span in spans}


def _name(span: _Span) -> str:
    return f"Span {span['name']} ({span['id']})"


def _differing_fields(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing_fields(old, new, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key} is {new!r} and was {old!r}"

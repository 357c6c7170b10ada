"""How one report is called, and what it waits for, in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from waybill.domain import KindLimit, Report, Status
from waybill.kinds import Registry, UnavailableKind, UnknownKind

MARKS: Final = {
    Status.INIT: "\N{WHITE CIRCLE}",
    Status.PROCESSING: "\N{BLACK RIGHT-POINTING TRIANGLE}",
    Status.DONE: "\N{CHECK MARK}",
    Status.FAIL: "\N{BALLOT X}",
    Status.CANCELLED: "\N{EN DASH}",
}
"""Of each status, for a document's title."""

_SHORT = 60
_SHOWN = 4


@dataclass(frozen=True)
class Wait:
    """What a report waits for. `until`: when it ends, if that is known; `detail`: a person's reason."""

    words: str
    until: datetime | None = None
    detail: str | None = None


def kind_title(kinds: Registry, name: str) -> str:
    """Its name, where the kind is not installed any more."""
    try:
        return kinds[name].title or name
    except (UnknownKind, UnavailableKind):
        return name


def in_short(parameters: Mapping[str, Any]) -> str:
    """The first of those that have a value: `month 7, airport JFK`."""
    given = [(name, value) for name, value in parameters.items() if value not in (None, [], {})]
    said = ", ".join(f"{name} {_cut(value_text(value), 24)}" for name, value in given[:_SHOWN])
    return _cut(said, _SHORT) + (" …" if len(given) > _SHOWN and not said.endswith("…") else "")


def value_text(value: Any) -> str:
    """A text as it is, days from the first to the last, anything else as JSON."""
    if isinstance(value, Mapping) and set(value) == {"first", "last"}:
        return f"{value['first']} to {value['last']}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def wait_of(report: Report, limit: KindLimit | None) -> Wait | None:
    """`limit`: its kind's, if it has one. None of a report that does not wait."""
    if report.status is Status.PROCESSING and report.cancel_requested:
        return Wait("for its worker to stop it")
    if report.status is not Status.INIT:
        return None
    if limit and limit.is_paused:
        return Wait("since its kind is paused", detail=limit.reason)
    if report.awaits_kind:
        return Wait("for its turn: as many run as may")
    if report.not_before:
        return Wait("for its next attempt", report.not_before)
    return Wait("for its turn and a free slot")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""How one report is called, and what it waits for, in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from producer_api.web.worker_words import NONE_OFFERS, NONE_THERE, NoWorker, no_worker
from waybill.domain import FailureType, Report, Status
from waybill.kinds import Registry, UnavailableKind, UnknownKind
from waybill.ledger import Silence, WaitingNow

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
    """What a report waits for. `until`: when it ends, if that is known; `detail`: a person's reason;
    `paused_at`: since when, and `paused_by` whom, where its kind is; `then`: what comes of it, in a sentence.
    `is_stuck`: reports of its kind do not begin now, however long they have waited."""

    words: str
    until: datetime | None = None
    detail: str | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None
    then: str | None = None
    is_stuck: bool = False


@dataclass(frozen=True)
class Silent:
    """Since when there has been no sign of a worker; when its report is taken from it, where that is still to
    come, and what comes of the report then."""

    since: datetime
    until: datetime | None
    then: str


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


def wait_of(
    report: Report, now: WaitingNow, *, kafka_answers: bool, moment: datetime | None = None
) -> Wait | None:
    """None of a report that does not wait. `kafka_answers`: the API's process; `moment`: now, if not
    given."""
    if report.status is Status.PROCESSING and report.cancel_requested:
        return Wait("for its worker to stop it")
    if report.status is not Status.INIT:
        return None
    limit = now.limits.get(report.kind)
    if limit and limit.is_paused:
        return Wait(
            "since its kind is paused",
            detail=limit.reason,
            paused_at=limit.paused_at,
            paused_by=limit.paused_by,
            then="The report is kept, and goes on once the kind is resumed.",
            is_stuck=True,
        )
    if report.not_before and report.not_before > (moment or datetime.now(UTC)):
        return Wait("for its next attempt", report.not_before, then=_of_last_attempt(report, now))
    return _missing_part(report, now, kafka_answers=kafka_answers) or _turn(report)


def _of_last_attempt(report: Report, now: WaitingNow) -> str | None:
    if report.failure is None or report.failure.type != FailureType.UNSUPPORTED_KIND:
        return None
    if _no_worker(report, now) is NONE_OFFERS:
        return f"{NONE_OFFERS.title}. {NONE_OFFERS.then}"
    return "The worker of its last attempt does not know this kind; one of another version may."


def _missing_part(report: Report, now: WaitingNow, *, kafka_answers: bool) -> Wait | None:
    """Of those that lead a report to a slot."""
    if not kafka_answers:
        return Wait(
            "for Kafka, which does not answer",
            then="The report is kept, and goes on by itself.",
            is_stuck=True,
        )
    missing = _no_worker(report, now)
    if missing is not NONE_THERE and not now.workers.reading:
        return Wait("for a worker that reads from Kafka: none does now", then=NONE_THERE.then, is_stuck=True)
    return Wait(missing.waits, then=missing.then, is_stuck=True) if missing else None


def _no_worker(report: Report, now: WaitingNow) -> NoWorker | None:
    return no_worker(now.workers, report.kind, is_defined=report.definition is not None)


def _turn(report: Report) -> Wait:
    if report.awaits_kind:
        return Wait("for its turn: as many run as may")
    return Wait("for its turn and a free slot")


def silent_of(report: Report, silence: Silence | None, moment: datetime | None = None) -> Silent | None:
    """`moment`: now, if not given."""
    if silence is None:
        return None
    now = moment or datetime.now(UTC)
    then = "is cancelled" if report.cancel_requested else "is given to another worker"
    if report.losses and not report.cancel_requested:
        then += ", unless workers were lost with it too often"
    return Silent(now - silence.lasts, now + silence.left if silence.left else None, then)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""Writes of many attempts and clients, each sort in one statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from waybill.domain import (
    Action,
    AttemptTrace,
    Carrier,
    End,
    Fence,
    LeasePolicy,
    NewReport,
    Reached,
    Report,
    Requeue,
    Retry,
    Status,
    lifecycle,
)
from waybill.ledger.errors import LeaseLost, LimitReached
from waybill.ledger.recording import Recording
from waybill.ledger.writes import Acceptance, Claim, Conclusion, Heartbeat, Steps, Write
from waybill.messages import WaitedModel
from waybill.store.statements import artefacts, attempts

Result = Report | None | LeaseLost | LimitReached
"""Of one write: the report as it is now. None for a heartbeat, and for a report that could not be claimed. An
attempt that has lost its lease, and a request for which a limit leaves no room, get the error that is to be
raised; nothing of them is written."""

Finish = Callable[[], dict[int, Result]]
"""Waits for what was sent to the database; the results of the writes of one sort, by their places."""

_Write = TypeVar("_Write", Acceptance, Claim, Heartbeat, Steps, Conclusion)


def write_all(changes: Recording, writes: Sequence[Write], lease: LeasePolicy) -> list[Result]:
    """Writes them in the transaction of `changes`; their results, in the same order.

    No two may be of the same attempt. Of several claims of a report at most one gets it.
    """
    sent = [
        _conclude(changes, _of(Conclusion, writes)),
        _take_steps(changes, _of(Steps, writes)),
        _renew(changes, _of(Heartbeat, writes), lease),
        _claim(changes, _of(Claim, writes), lease),
        _accept(changes, _of(Acceptance, writes)),
    ]
    results = {place: result for found in sent for place, result in found().items()}
    return [results[place] for place in range(len(writes))]


def accept_one(changes: Recording, new: NewReport) -> Report:
    """A requested report. It gets a command, or waits until there is room for it. Raises `LimitReached`."""
    (result,) = _accept_all(changes, [new])()
    if isinstance(result, LimitReached):
        raise result
    return result


def _accept_all(changes: Recording, news: Sequence[NewReport]) -> Callable[[], list[Report | LimitReached]]:
    """Requested reports, in the same order."""
    document = [_accepted(place, new) for place, new in enumerate(news)]
    found = attempts.insert(changes.connection, document, changes.requeue_after, changes.limiting)

    def accepted() -> list[Report | LimitReached]:
        results = found()
        return [_record_request(changes, new, results[new.id]) for new in news]

    return accepted


def _record_request(
    changes: Recording, new: NewReport, result: attempts.Inserted | Reached
) -> Report | LimitReached:
    if isinstance(result, Reached):
        return LimitReached(result)
    changes.note_turns(result.takes_turns)
    changes.audit(result.report.audit_event(new.actor, Action.REQUEST))
    return changes.record(result.report, with_command=result.has_command)


def _of(sort: type[_Write], writes: Sequence[Write]) -> dict[int, _Write]:
    return {place: write for place, write in enumerate(writes) if isinstance(write, sort)}


def _conclude(changes: Recording, writes: Mapping[int, Conclusion]) -> Finish:
    document = [_ending(place, one) for place, one in writes.items()]
    found = attempts.end(changes.connection, document, changes.requeue_after)

    def concluded() -> dict[int, Result]:
        ended = found()
        changes.note_turns(ended.takes_turns)
        for place, report in ended.reports.items():
            _record_conclusion(changes, report, writes[place])
        return _held(writes, ended.reports)

    return concluded


def _record_conclusion(changes: Recording, report: Report, write: Conclusion) -> None:
    if write.steps:
        running = replace(
            report,
            version=report.version - 1,
            status=Status.PROCESSING,
            failure=None,
            artefact=None,
            artefacts=(),
            not_before=None,
            finished_at=None,
        )
        changes.record_steps(running, write.steps)
    if write.has_step_results and report.status is Status.DONE:
        changes.end_step_results(report)
    decision = write.decision
    if isinstance(decision, End) and report.status is decision.status:
        changes.record_end(report, decision, write.origin)
    else:
        changes.record(report)


def _ending(place: int, write: Conclusion) -> dict[str, Any]:
    """What is written down of an attempt that ended."""
    found = {**_fence(place, write.fence), **_progress(write.steps), "failures": 0, "interruptions": 0}
    match write.decision:
        case End(status, failure):
            found |= {"status": status, "failures": int(failure is not None)}
            found |= artefacts.columns(write.artefacts)
        case Retry(failure, delay, counted):
            found |= {"status": Status.INIT, "delay": delay.total_seconds()}
            found |= {"failures": int(counted), "interruptions": int(not counted)}
        case Requeue():
            failure = None
            found |= {"status": Status.INIT, "interruptions": 1}
    return {**found, "failure": asdict(failure) if failure else None}


def _take_steps(changes: Recording, writes: Mapping[int, Steps]) -> Finish:
    document = [{**_fence(place, one.fence), **_progress(one.taken)} for place, one in writes.items()]
    found = attempts.steps(changes.connection, document)

    def taken() -> dict[int, Result]:
        held = found()
        for place, report in held.items():
            changes.record_steps(report, writes[place].taken)
        return _held(writes, held)

    return taken


def _renew(changes: Recording, writes: Mapping[int, Heartbeat], lease: LeasePolicy) -> Finish:
    document = [_fence(place, one.fence) for place, one in writes.items()]
    found = attempts.renew(changes.connection, document, lease.time_to_live)

    def renewed() -> dict[int, Result]:
        held = found()
        return {place: None if place in held else LeaseLost(one.fence) for place, one in writes.items()}

    return renewed


def _claim(changes: Recording, writes: Mapping[int, Claim], lease: LeasePolicy) -> Finish:
    document = [_claiming(place, one) for place, one in writes.items()]
    limit = lifecycle.MAX_SHARED_LOSSES
    found = attempts.claim(changes.connection, document, lease.time_to_live, limit, changes.requeue_after)

    def claimed() -> dict[int, Result]:
        ours = found()
        changes.note_turns(ours.takes_turns)
        for place, report in ours.reports.items():
            changes.record(report, waited=_waited(writes[place].spans, ours.commanded_at.get(place)))
        changes.dispatched(ours.dispatched)
        return {place: ours.reports.get(place) for place in writes}

    return claimed


def _waited(spans: AttemptTrace | None, commanded_at: datetime | None) -> WaitedModel | None:
    """None where nothing says when the command was published: the rest tells nothing without it."""
    if spans is None or not spans.published_at:
        return None
    return WaitedModel(
        commanded_at=commanded_at,
        published_at=_time(spans.published_at),
        read_at=_time(spans.read_at),
    )


def _time(nanoseconds: int) -> datetime | None:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC) if nanoseconds else None


def _claiming(place: int, write: Claim) -> dict[str, Any]:
    return {
        "place": place,
        "report_id": str(write.report_id),
        "owner": write.owner,
        "alone": write.alone,
        "spans": asdict(write.spans) if write.spans else None,
        **_carrier(write.carrier),
    }


def _accept(changes: Recording, writes: Mapping[int, Acceptance]) -> Finish:
    found = _accept_all(changes, [one.new for one in writes.values()])
    return lambda: dict(zip(writes, found(), strict=True))


def _accepted(place: int, new: NewReport) -> dict[str, Any]:
    return {
        "place": place,
        "id": str(new.id),
        "tenant": new.owner.tenant,
        "owner": new.owner.name,
        "priority": new.priority,
        "kind": new.kind,
        "parameters": new.parameters,
        "timeout_seconds": new.timeout.total_seconds() if new.timeout else None,
        "webhook": new.webhook,
        **_carrier(new.carrier),
        **_given(new),
    }


def _given(new: NewReport) -> dict[str, Any]:
    """What few requests have."""
    found = {
        "definition": new.definition,
        "outputs": list(new.outputs) if new.outputs else None,
        "tags": list(new.tags) if new.tags else None,
        "rerun_of": str(new.rerun_of) if new.rerun_of else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _carrier(carrier: Carrier | None) -> Mapping[str, str]:
    return carrier.as_dict() if carrier else {}


def _fence(place: int, fence: Fence) -> dict[str, Any]:
    return {
        "place": place,
        "report_id": str(fence.report_id),
        "number": fence.attempt,
        "owner": fence.owner,
    }


def _progress(taken: Sequence[Any]) -> dict[str, Any]:
    return {"steps": len(taken), "progress": asdict(taken[-1].progress) if taken else None}


def _held(writes: Mapping[int, Conclusion | Steps], found: Mapping[int, Report]) -> dict[int, Result]:
    """Those that are missing have lost their lease."""
    return {place: found.get(place) or LeaseLost(one.fence) for place, one in writes.items()}

"""What has become of a report, by its events: attempts, steps and changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from producer_api.web.plain_names import reason_in_words
from waybill.domain import TERMINAL, FailureType, Status, StepStatus
from waybill.messages import StatusEvent
from waybill.store import StoredEvent

RUNNING: Final = "running"
"""How an attempt, or a step, ends that has not ended."""
STOPPED: Final = "stopped"
"""How a step ends that its attempt has not let end."""


@dataclass
class ShownStep:
    """A step of an attempt. `state`: a `StepStatus`, `stopped`, or `waiting`. `reused_from`: which attempt's
    result it has."""

    name: str
    state: str
    started: datetime | None = None
    ended: datetime | None = None
    took: timedelta | None = None
    error: str | None = None
    reused_from: int | None = None


@dataclass
class ShownAttempt:
    """`end`: `running`, `done`, `failed`, `cancelled`, or `silent` where its worker gave it back or died;
    `words` says it for people, and `detail` what its error said. `retry_at`: of one that is tried again."""

    number: int
    started: datetime
    ended: datetime | None = None
    end: str = RUNNING
    words: str = "Running"
    detail: str | None = None
    retry_at: datetime | None = None
    steps: dict[str, ShownStep] = field(default_factory=dict)


@dataclass(frozen=True)
class ShownChange:
    """`after`: how long after the one before, where that is known. `status`: only where it changed."""

    version: int
    at: datetime
    attempt: int
    words: str
    detail: str | None = None
    status: Status | None = None
    after: timedelta | None = None


@dataclass(frozen=True)
class History:
    """The newest of each, in order. `left_out`: changes before them."""

    attempts: Sequence[ShownAttempt]
    changes: Sequence[ShownChange]
    left_out: int

    @property
    def steps(self) -> Sequence[ShownStep]:
        """Of the last attempt."""
        return list(self.attempts[-1].steps.values()) if self.attempts else []


def history_of(stored: Iterable[StoredEvent]) -> History:
    """`stored`: the report's events in order, or the last of them."""
    telling = _Telling()
    for event in stored:
        telling.add(StatusEvent.model_validate(event.data))
    left_out = telling.changes[0].version - 1 if telling.changes else 0
    return History(telling.attempts, telling.changes, left_out)


@dataclass
class _Telling:
    attempts: list[ShownAttempt] = field(default_factory=list)
    changes: list[ShownChange] = field(default_factory=list)
    before: StatusEvent | None = None

    def add(self, event: StatusEvent) -> None:
        if event.step is not None:
            self._step(event)
        elif event.status is Status.PROCESSING:
            self._processing(event)
        elif event.status is Status.INIT:
            self._back(event)
        else:
            self._ended(event)
        self.before = event

    def _tell(self, event: StatusEvent, words: str, detail: str | None = None) -> None:
        before = self.before
        is_status = event.step is None and (before is None or before.status is not event.status)
        self.changes.append(
            ShownChange(
                event.version,
                event.at,
                event.attempt,
                words,
                detail,
                event.status if is_status else None,
                max(timedelta(0), event.at - before.at) if before else None,
            )
        )

    def _attempt(self, event: StatusEvent) -> ShownAttempt:
        """The one that runs; of one whose beginning was left out, what is known."""
        if not self.attempts or self.attempts[-1].number != event.attempt:
            self.attempts.append(ShownAttempt(event.attempt, event.started_at or event.at))
        return self.attempts[-1]

    def _processing(self, event: StatusEvent) -> None:
        if event.cancel_requested:
            self._tell(event, "Cancellation asked for")
            return
        self.attempts.append(ShownAttempt(event.attempt, event.at))
        self._tell(event, f"Attempt {event.attempt} began")

    def _step(self, event: StatusEvent) -> None:
        step = event.step
        if step is None:
            return
        steps = self._attempt(event).steps
        if step.status is StepStatus.RUNNING:
            steps[step.name] = ShownStep(step.name, step.status, event.at)
            self._tell(event, f"Step {step.name} began")
            return
        shown = steps.setdefault(step.name, ShownStep(step.name, step.status))
        shown.state, shown.ended, shown.error = step.status, event.at, step.error
        shown.took = timedelta(milliseconds=step.duration_ms) if step.duration_ms is not None else None
        shown.reused_from = step.reused_from_attempt
        if step.reused_from_attempt is not None:
            words = f"Step {step.name}: reused from attempt {step.reused_from_attempt}"
        else:
            words = f"Step {step.name} {'failed' if step.status is StepStatus.FAILED else 'done'}"
        self._tell(event, words, step.error)

    def _back(self, event: StatusEvent) -> None:
        before = self.before
        if before is None and event.version == 1:
            self._tell(event, "Requested")
        elif before is not None and before.status in TERMINAL:
            self._tell(event, "Tried again")
        elif event.error is not None:
            self._close(event, "failed", _of_failure(event), event.error.message, event.not_before)
            self._tell(event, f"Attempt {event.attempt} failed: tried again later", event.error.message)
        else:
            words = _WORKER_LOST if event.worker_lost else _GIVEN_BACK
            self._close(event, "silent", words)
            self._tell(event, f"Waits for another attempt. {words}")

    def _ended(self, event: StatusEvent) -> None:
        detail = event.error.message if event.error else None
        if event.status is Status.DONE:
            end, words = "done", "Done"
        elif event.status is Status.CANCELLED:
            end, words = "cancelled", "Cancelled"
        else:
            end, words = "failed", _of_failure(event)
        if self.before is None or self.before.status is Status.PROCESSING:
            self._close(event, end, words, detail)
        self._tell(event, words, detail)

    def _close(
        self,
        event: StatusEvent,
        end: str,
        words: str,
        detail: str | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        if event.attempt == 0:
            return
        attempt = self._attempt(event)
        attempt.ended, attempt.end, attempt.words = event.at, end, words
        attempt.detail, attempt.retry_at = detail, retry_at
        for step in attempt.steps.values():
            if step.state == StepStatus.RUNNING:
                step.state, step.ended = STOPPED, event.at


_WORKER_LOST: Final = "Lost: its worker died, or was cut off"
_GIVEN_BACK: Final = "Given back: its worker was stopped"


def _of_failure(event: StatusEvent) -> str:
    error = event.error
    if error is None:
        return "Failed"
    if error.type == FailureType.STEP_FAILED:
        return f"Failed in {error.step}" if error.step else "Failed in a step"
    return reason_in_words(error.type)

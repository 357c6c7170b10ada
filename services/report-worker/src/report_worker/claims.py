"""What a runner runs next: takes commands that were read ahead, and claims their reports by the intake."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from report_worker.command_queue import CommandQueue
from report_worker.intake import Claimed, Intake, NeedsIdleWorker, Processed
from report_worker.read_ahead import ReadCommand
from waybill.domain import lifecycle
from waybill.store import StoreUnavailable

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 1.0
_MAX_TRIES = 5


@dataclass(frozen=True)
class BegunClaim:
    """`finish` blocks until it is written; for the rest, as `Intake.begin` returns it."""

    command: ReadCommand
    finish: Callable[[], Processed]


class Claims:
    """Of one worker. Any thread may call it. For each report that it returns, `ended` is to be called."""

    def __init__(self, queue: CommandQueue, intake: Intake) -> None:
        self._queue = queue
        self._intake = intake

    def next(self, seconds: float, is_ready: Callable[[], bool] = lambda: True) -> Claimed | None:
        """A report to run; None where there is none within the time, or a command had none, or its runner is
        not ready for one. Blocks on the database too, and raises nothing of it."""
        begun = self.begin(seconds, is_ready)
        return None if begun is None else self.finish(begun)

    def begin(self, seconds: float = 0.0, is_ready: Callable[[], bool] = lambda: True) -> BegunClaim | None:
        """As `next`, in two parts: this one waits for a command, and does not block on the database. What is
        begun must be finished."""
        command = self._queue.take(seconds, is_ready)
        return None if command is None else BegunClaim(command, self._begin(command))

    def finish(self, begun: BegunClaim) -> Claimed | None:
        """The claimed report; None where there is none of that command."""
        command = begun.command
        try:
            processed = begun.finish()
            if isinstance(processed, NeedsIdleWorker):
                self._make_room(command, processed)
                return None
        except StoreUnavailable as error:
            log.warning("command not processed: database unavailable; trying again in 1 s", reason=str(error))
            self._queue.put_back(command, _PAUSE_SECONDS)
            return None
        except Exception as error:
            self._failed(command, error)
            return None
        if processed is None:
            self._queue.done(command)
            return None
        self._queue.started(command, alone=lifecycle.must_run_alone(processed.report))
        return processed

    def ended(self) -> None:
        """A report that was returned does not run any more."""
        self._queue.ended()

    def _begin(self, command: ReadCommand) -> Callable[[], Processed]:
        try:
            return self._intake.begin(command.message, alone=command.alone, read_at=command.read_at)
        except Exception as error:
            return _raising(error)

    def _make_room(self, command: ReadCommand, needs: NeedsIdleWorker) -> None:
        """A report for which room cannot be made is postponed. Raises as the intake."""
        if not self._queue.make_room(command, needs.waited):
            self._intake.postpone(needs)
            self._queue.done(command)

    def _failed(self, command: ReadCommand, error: Exception) -> None:
        """The database is not to blame: the message may never be processed. After some tries it becomes a
        dead letter; until then it is tried before those behind it in its partition."""
        command.tries += 1
        log.error("command not processed; trying again in 1 s", tries=command.tries, exc_info=error)
        if command.tries >= _MAX_TRIES and self._give_up(command, error):
            self._queue.done(command)
        else:
            self._queue.put_back(command, _PAUSE_SECONDS)

    def _give_up(self, command: ReadCommand, error: Exception) -> bool:
        """Whether it is kept as a dead letter."""
        try:
            self._intake.give_up(command.message, error)
        except StoreUnavailable as unavailable:
            log.warning(
                "command not kept as a dead letter: database unavailable; trying again in 1 s",
                reason=str(unavailable),
            )
            return False
        except Exception:
            log.exception("command not kept as a dead letter; trying again in 1 s")
            return False
        return True


def _raising(error: Exception) -> Callable[[], Processed]:
    def finish() -> Processed:
        raise error

    return finish

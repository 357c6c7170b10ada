"""What an operation does to the reports of one page."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from waybill.domain import (
    MAX_REASONS,
    POSSIBLE,
    Action,
    Actor,
    OperationAction,
    Reason,
    Report,
    Untouched,
)
from waybill.ledger.changes import Changes
from waybill.ledger.deleting import audit_deletion, is_as_found
from waybill.ledger.errors import NotRedrivable
from waybill.store.statements.operations import StoredOperation, Target


@dataclass
class Doing:
    """One page in its transaction."""

    changes: Changes
    seen: StoredOperation
    targets: Mapping[UUID, Target]
    kept: Mapping[UUID, str]
    """Reports whose files could not be removed, and why."""
    done: int = 0
    reasons: list[Reason] = field(default_factory=list)
    held: list[UUID] = field(default_factory=list)
    deleted: list[Report] = field(default_factory=list)

    @property
    def _actor(self) -> Actor | None:
        return self.seen.operation.actor

    def do(self, report_id: UUID, locked: Report | None) -> None:
        """To one report. `locked`: None where it is not there, or another transaction holds it: then it is
        done later."""
        if report_id not in self.targets:
            self._leave(report_id, Untouched.SKIPPED, "There is no such report.")
        elif locked is None:
            self.held.append(report_id)
        elif reason := self.kept.get(report_id):
            self._leave(report_id, Untouched.FAILED, reason)
        elif reason := self._change(locked):
            self._leave(report_id, Untouched.SKIPPED, reason)
        else:
            self.done += 1

    def delete(self) -> None:
        """Those that are to be deleted, together."""
        if self.deleted:
            self.changes.remove([report.id for report in self.deleted])

    def after(self, found: StoredOperation) -> StoredOperation:
        """How far the operation is."""
        one = self.seen.operation
        failed = sum(reason.outcome is Untouched.FAILED for reason in self.reasons)
        operation = replace(
            one,
            done=one.done + self.done,
            failed=one.failed + failed,
            skipped=one.skipped + len(self.reasons) - failed,
            reasons=[*one.reasons, *self.reasons][:MAX_REASONS],
        )
        return replace(found, operation=operation, pending=[*found.pending, *self.held])

    def _leave(self, report_id: UUID, outcome: Untouched, reason: str) -> None:
        self.reasons.append(Reason(report_id, outcome, reason))

    def _change(self, report: Report) -> str | None:
        """None where it is done, else why not."""
        wanted = self.seen.wanted
        action = self.seen.operation.action
        if report.status not in (wanted.statuses if wanted else POSSIBLE[action]):
            return f"Its status is {report.status}{' by now' if wanted else ''}."
        match action:
            case OperationAction.CANCEL:
                return self._cancel(report)
            case OperationAction.RETRY:
                return self._retry(report)
            case OperationAction.DELETE:
                return self._delete(report)

    def _cancel(self, report: Report) -> str | None:
        cancelled = self.changes.cancel(report.id)
        if cancelled is None:
            return "It is being cancelled already."
        self.changes.audit(cancelled.audit_event(self._actor, Action.CANCEL))
        return None

    def _retry(self, report: Report) -> str | None:
        try:
            redriven = self.changes.redrive(report.id)
        except NotRedrivable as error:
            return str(error)
        self.changes.audit(redriven.audit_event(self._actor, Action.RETRY))
        return None

    def _delete(self, report: Report) -> str | None:
        if not is_as_found(report, self.targets[report.id]):
            return "It has been tried again meanwhile."
        self.deleted.append(report)
        audit_deletion(self.changes, report, self._actor)
        return None

"""Who did what: kept with each change that an authenticated client has asked for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from waybill.domain.access import Owner


class Action(StrEnum):
    """What is kept."""

    REQUEST = "request"
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    REDRIVE = "redrive"
    DOWNLOAD = "download"
    CREATE_KEY = "create_key"
    ROTATE_KEY = "rotate_key"
    REVOKE_KEY = "revoke_key"
    SET_LIMITS = "set_limits"
    REMOVE_LIMITS = "remove_limits"
    PAUSE_KIND = "pause_kind"
    RESUME_KIND = "resume_kind"
    LIMIT_KIND = "limit_kind"
    SAVE_PARAMETERS = "save_parameters"
    REMOVE_PARAMETERS = "remove_parameters"
    SAVE_VIEW = "save_view"
    REMOVE_VIEW = "remove_view"


@dataclass(frozen=True)
class Actor:
    """An authenticated client. `credential` says by what, as `key abc`; it is no secret."""

    owner: Owner
    credential: str


@dataclass(frozen=True)
class AuditEvent:
    """Something that an actor did. `tenant`: of the report, the key or the limits that it was done to, `*`
    where these are each tenant's; `subject`: what it was done to, where that is no report. `action`: one of
    `Action`, or of a later version's."""

    actor: Actor
    action: str
    tenant: str
    report_id: UUID | None = None
    subject: str | None = None
    trace_id: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Its fields by the names that they have everywhere."""
        return {
            "actor_tenant": self.actor.owner.tenant,
            "actor": self.actor.owner.name,
            "credential": self.actor.credential,
            "action": self.action,
            "tenant": self.tenant,
            "report_id": str(self.report_id) if self.report_id else None,
            "subject": self.subject,
            "trace_id": self.trace_id,
        }


@dataclass(frozen=True)
class AuditEntry:
    """An event as it is kept; ids grow with time."""

    id: int
    at: datetime
    event: AuditEvent

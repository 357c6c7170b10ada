"""PostgreSQL: the tables, and every statement that Waybill sends. It knows no Kafka and no messages."""

from waybill.store.direct import AnyConnection, DirectConnection, NotDirectly
from waybill.store.engine import (
    StoreUnavailable,
    check_writable,
    create_engine,
    is_refused,
    is_unavailable,
    ping,
    reason_of,
)
from waybill.store.rights import Rights, check_rights
from waybill.store.schema import SchemaBehind, UnsuitableDatabase, check_schema
from waybill.store.statements._wanted import ParameterValue, ReportFilter, ReportPage
from waybill.store.statements.audit import AuditFilter
from waybill.store.statements.choice_lists import StoredChoices
from waybill.store.statements.dead_letters import (
    DeadLetterFilter,
    MessageBeginning,
    StoredDeadLetter,
    StoredMessage,
    Trimmed,
)
from waybill.store.statements.events import StoredEvent
from waybill.store.statements.idempotency import KnownRequest
from waybill.store.statements.kind_history import EndedReport
from waybill.store.statements.live_workers import LiveWorkers
from waybill.store.statements.outbox import Backlog, OutboxMessage
from waybill.store.statements.overview import (
    Capacity,
    Durations,
    EndedHour,
    FailureCount,
    StatusCount,
)
from waybill.store.statements.publications import Publication, StoredPublication
from waybill.store.statements.report_logs import WantedLog
from waybill.store.stream_rows import StreamRows
from waybill.store.task_lease import TaskLease
from waybill.store.worker_row import WorkerRow

__all__ = [
    "AnyConnection",
    "AuditFilter",
    "Backlog",
    "Capacity",
    "DeadLetterFilter",
    "DirectConnection",
    "Durations",
    "EndedHour",
    "EndedReport",
    "FailureCount",
    "KnownRequest",
    "LiveWorkers",
    "MessageBeginning",
    "NotDirectly",
    "OutboxMessage",
    "ParameterValue",
    "Publication",
    "ReportFilter",
    "ReportPage",
    "Rights",
    "SchemaBehind",
    "StatusCount",
    "StoreUnavailable",
    "StoredChoices",
    "StoredDeadLetter",
    "StoredEvent",
    "StoredMessage",
    "StoredPublication",
    "StreamRows",
    "TaskLease",
    "Trimmed",
    "UnsuitableDatabase",
    "WantedLog",
    "WorkerRow",
    "check_rights",
    "check_schema",
    "check_writable",
    "create_engine",
    "is_refused",
    "is_unavailable",
    "ping",
    "reason_of",
]

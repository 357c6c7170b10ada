"""PostgreSQL: the tables, and every statement that Waybill sends. It knows no Kafka and no messages."""

from waybill.store.engine import StoreUnavailable, create_engine, is_unavailable, ping
from waybill.store.migrate import SchemaBehind, check_schema, migrate
from waybill.store.statements import OutboxMessage, ReportFilter, StoredEvent

__all__ = [
    "OutboxMessage",
    "ReportFilter",
    "SchemaBehind",
    "StoreUnavailable",
    "StoredEvent",
    "check_schema",
    "create_engine",
    "is_unavailable",
    "migrate",
    "ping",
]

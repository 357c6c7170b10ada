"""Report ids."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_report_id() -> UUID:
    """A UUIDv7: ids sort by the time they were made, to the millisecond."""
    return uuid7()


_MAX_MS = 253_402_300_799_999  # the last millisecond of the year 9999


def time_in(report_id: UUID) -> datetime:
    """When a UUIDv7 was made, by the clock of the host that made it; long ago for any other UUID."""
    milliseconds = min(report_id.int >> 80, _MAX_MS) if report_id.version == 7 else 0
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

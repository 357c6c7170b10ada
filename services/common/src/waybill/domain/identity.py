"""Report ids."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_report_id() -> UUID:
    """A UUIDv7: ids sort by the time they were made, to the millisecond."""
    return uuid7()

"""What was written to the audit, as JSON lines for those who collect logs."""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from waybill.domain import AuditEvent

_log = logging.getLogger("waybill.audit")  # which `waybill.logs` sends to standard output


def export(events: Iterable[AuditEvent]) -> None:
    """After the commit. A process that dies before it has written the line has written the row."""
    for event in events:
        _log.info(json.dumps({"at": datetime.now(UTC).isoformat(), **event.as_json()}))

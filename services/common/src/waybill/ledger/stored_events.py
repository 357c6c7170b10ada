"""What is stored of a status event: the view `report_events` has the rest from the report's row."""

from waybill.messages import StatusEvent

_IN_THE_ROW = frozenset({"schema_version", "report_id", "kind", "version", "type", "at", "created_at"})
_SET_ONCE = frozenset({"trace_id", "started_at"})
"""In the row too, but only from some event on: that they were not set before must be stored."""
_OFTEN_EMPTY = frozenset(
    {"progress", "step", "error", "artefact", "finished_at", "not_before", "cancel_requested"}
)


def left_out(event: StatusEvent) -> set[str]:
    """The names of its fields that are not stored."""
    in_the_row = {name for name in _SET_ONCE if getattr(event, name) is not None}
    return in_the_row | _IN_THE_ROW | {name for name in _OFTEN_EMPTY if not getattr(event, name)}

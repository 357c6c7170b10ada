"""The topics' names."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topics:
    """`report` carries commands, `report_status` status events (compacted), `report_dead_letter` the rest."""

    report: str = "report"
    report_status: str = "report-status"
    report_dead_letter: str = "report-dead-letter"

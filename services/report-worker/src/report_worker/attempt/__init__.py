"""One attempt at a report: from its claim to what it leaves the report as."""

from report_worker.attempt.attempt import Attempt
from report_worker.attempt.context import AttemptContext, Interrupted

__all__ = ["Attempt", "AttemptContext", "Interrupted"]

"""The files that a report comes as, made of the results of its steps."""

from report_worker.files.availability import unavailable
from report_worker.files.checking import PartError, check_columns
from report_worker.files.document import Document, Result
from report_worker.files.writing import write

__all__ = ["Document", "PartError", "Result", "check_columns", "unavailable", "write"]

"""The files that a report comes as, made of the results of its steps."""

from report_worker.files.document import Document, Result

__all__ = ["Document", "Result"]

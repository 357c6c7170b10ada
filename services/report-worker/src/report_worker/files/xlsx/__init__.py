"""XLSX: a workbook with a sheet for each table, native charts, and what the report says on the first sheet."""

from report_worker.files.xlsx.workbook import write_xlsx

__all__ = ["write_xlsx"]
"""The writer of this output."""

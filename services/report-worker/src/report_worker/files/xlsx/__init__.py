"""XLSX: a workbook with a sheet for each table, native charts, and a first sheet that sums it up."""

from report_worker.files.xlsx.workbook import write_xlsx

__all__ = ["write_xlsx"]

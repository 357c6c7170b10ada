"""Reports that definitions describe: their steps run on configured sources, and become files."""

from report_worker.query.producing import produce, wanted_outputs
from report_worker.query.sources import Sources, WrongSource, read_sources

__all__ = ["Sources", "WrongSource", "produce", "read_sources", "wanted_outputs"]

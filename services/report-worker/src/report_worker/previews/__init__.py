"""The first rows of a file, for people who want to look at it before they load it."""

from report_worker.previews.making import MAX_BYTES, preview_of

__all__ = ["MAX_BYTES", "preview_of"]

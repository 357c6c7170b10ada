"""How a page shows a report's file."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from producer_api.resources import ArtefactPreview
from producer_api.web.bytes_shown import Shown, shown
from waybill.artefacts import ArtefactStore
from waybill.domain import StoredArtefact

MOST_TEXT: Final = 64 * 1024
"""Bytes of a text that a page shows."""


class Look(StrEnum):
    """The way in which a browser can show a file."""

    PAGE = "page"
    """In a frame without any rights."""
    PDF = "pdf"
    """By the browser's own viewer, in a frame."""
    IMAGE = "image"
    TABLE = "table"
    """The first rows, as the worker has read them."""
    TEXT = "text"
    NONE = "none"


_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
_TEXTS = ("application/json", "application/x-ndjson", "application/xml", "application/yaml")


@dataclass(frozen=True)
class Preview:
    """Of one file. `text` only of a text, `table` of a table; `is_cut`: there is more of it."""

    artefact: StoredArtefact
    look: Look
    text: Shown | None = None
    table: ArtefactPreview | None = None

    @property
    def is_cut(self) -> bool:
        return self.text is not None and self.text.size < self.artefact.size


def look_of(media_type: str) -> Look:
    kind = media_type.partition(";")[0].strip().lower()
    if kind == "text/html":
        return Look.PAGE
    if kind == "application/pdf":
        return Look.PDF
    if kind in _IMAGES:
        return Look.IMAGE
    return Look.TEXT if kind.startswith("text/") or kind in _TEXTS or kind.endswith("+json") else Look.NONE


def preview_of(store: ArtefactStore, artefact: StoredArtefact, rows: str | None) -> Preview:
    """`rows`: the first of a table, if they are kept. Reads a text's beginning from the store.
    Raises `ArtefactMissing` and `ArtefactStoreUnavailable`."""
    if rows is not None:
        return Preview(artefact, Look.TABLE, table=ArtefactPreview.model_validate_json(rows))
    look = look_of(artefact.media_type)
    if look is not Look.TEXT or artefact.size == 0:
        return Preview(artefact, look)
    content = b"".join(store.open(artefact, 0, min(MOST_TEXT, artefact.size)))
    return Preview(artefact, look, shown(content))

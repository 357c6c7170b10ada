"""Where artefacts are kept: a folder, S3, Google Cloud Storage or Azure, by URL."""

from waybill.artefacts.errors import (
    ArtefactMissing,
    ArtefactStoreUnavailable,
    DamagedFile,
    ReadingStopped,
    WrongArtefactUrl,
)
from waybill.artefacts.store import ArtefactStore

__all__ = [
    "ArtefactMissing",
    "ArtefactStore",
    "ArtefactStoreUnavailable",
    "DamagedFile",
    "ReadingStopped",
    "WrongArtefactUrl",
]

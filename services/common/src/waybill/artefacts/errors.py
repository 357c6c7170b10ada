"""What can be wrong with a place for files, or with a file."""

from waybill.errors import RetryableError, WaybillError


class ArtefactMissing(WaybillError):  # noqa: N818 - the name is the sentence
    """The row points to a file that is not there."""


class ArtefactStoreUnavailable(RetryableError):  # noqa: N818 - the name is the sentence
    """The files cannot be written or read now."""


class WrongArtefactUrl(WaybillError):  # noqa: N818 - the name is the sentence
    """No artefact can be kept there. The sentence does not repeat the URL, since it may hold a password."""


class DamagedFile(WaybillError):  # noqa: N818 - the name is the sentence
    """The file is not the one that was stored."""


class ReadingStopped(WaybillError):  # noqa: N818 - the name is the sentence
    """The file is not wanted any more."""

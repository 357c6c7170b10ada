"""What a kind's function returns: the files that a report consists of, and which output each one is."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from waybill.errors import PermanentError

MAX_ARTEFACTS: Final = 20
MAX_OUTPUTS: Final = 10
OUTPUT_PATTERN: Final = "^[a-z][a-z0-9-]{0,29}$"
"""Of an output's name, also as JSON Schema has it."""

_NAME_BYTES = 200
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+( *;[\x20-\x7e]*)?", re.ASCII)
_OUTPUT = re.compile(OUTPUT_PATTERN.strip("^$"))


def is_output_name(value: object) -> bool:
    return isinstance(value, str) and _OUTPUT.fullmatch(value) is not None


@dataclass(frozen=True)
class Artefact:
    """A file that a report produced, still in the attempt's scratch directory.

    `media_type` as in HTTP's Content-Type; `filename` is what a browser saves it as; `output` says which of
    the kind's outputs it is, if it is one. Raises `PermanentError` where they cannot be that.
    """

    path: Path
    media_type: str
    filename: str
    output: str | None = None

    def __post_init__(self) -> None:
        name = self.filename
        if name in ("", ".", "..") or "/" in name or not name.isprintable():
            raise PermanentError(f"{name!r} is no name for an artefact: it must be a file's, without a path.")
        if len(name.encode()) > _NAME_BYTES:
            raise PermanentError(f"{name!r} is too long for an artefact: {_NAME_BYTES} bytes at most.")
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise PermanentError(f"{self.media_type!r} is no media type: it must be like text/html.")
        if self.output is not None and not is_output_name(self.output):
            raise PermanentError(f"{self.output!r} is no name of an output: it must be like pdf or by-month.")


def check_together(artefacts: Sequence[Artefact]) -> None:
    """Raises `PermanentError` where they cannot be the files of one report."""
    if not artefacts:
        raise PermanentError("The kind's function returned no artefact; it must return one at least.")
    if len(artefacts) > MAX_ARTEFACTS:
        raise PermanentError(
            f"The kind's function returned {len(artefacts)} artefacts; {MAX_ARTEFACTS} are the most."
        )
    if twice := same_name(one.filename for one in artefacts):
        raise PermanentError(
            f"The kind's function returned two artefacts with the name {twice!r}: give each its own,"
            " different in more than upper and lower case."
        )


def same_name(filenames: Iterable[str]) -> str | None:
    """The first that some file systems take for the same as one before it: those that ignore the case, or
    how a letter is composed."""
    seen: set[str] = set()
    for name in filenames:
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
        if key in seen:
            return name
        seen.add(key)
    return None

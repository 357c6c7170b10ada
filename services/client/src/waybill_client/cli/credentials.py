"""The token by which Waybill's API knows who asks."""

import os
from pathlib import Path

from waybill_client import AccessDeniedError, CredentialError
from waybill_client.api import API

TOKEN_VARIABLE = "WAYBILL_TOKEN"  # noqa: S105 - its name, not its value
FILE_VARIABLE = "WAYBILL_TOKEN_FILE"
FILE_OPTION = "--token-file"

_MAX_BYTES = 64 * 1024
"""More than any server takes in a header."""


def find_token(file: Path | None) -> str | None:
    """The token in `file`; without one, that of the environment. Raises `CredentialError`."""
    if file is not None:
        return _read(file, FILE_OPTION)
    if token := os.environ.get(TOKEN_VARIABLE, "").strip():
        return token
    name = os.environ.get(FILE_VARIABLE)
    return _read(Path(name), FILE_VARIABLE) if name else None


def advice(error: AccessDeniedError) -> str:
    """What to do where Waybill's API lets a request in no further; empty where another server does not."""
    if error.server != API:
        return ""
    which = "one that has the right" if error.status == 403 else "an API key or another token that is valid"
    return f" Set {TOKEN_VARIABLE} to {which}, or name its file with {FILE_OPTION} or {FILE_VARIABLE}."


def _read(file: Path, source: str) -> str:
    """`source` is named in errors, and not the file: a token may be given in its place by mistake."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CredentialError(f"Cannot read the file of {source}: {error.strerror or error}.") from error
    token = content.decode(errors="replace").strip()
    if not token or len(content) > _MAX_BYTES:
        raise CredentialError(
            f"The file of {source} holds no token: it is {'too large' if token else 'empty'}."
        )
    return token

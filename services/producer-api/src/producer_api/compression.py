"""Bodies by gzip, for clients that take them."""

import gzip
from typing import Final

from flask import Response, request

_LEAST: Final = 1024
"""Bytes: a shorter body would hardly become shorter."""
_LEVEL: Final = 6
_OTHER_SITES: Final = frozenset({"cross-site", "same-site"})


def is_wanted() -> bool:
    """Whether the current request's client takes gzip."""
    return request.accept_encodings["gzip"] > 0


def compressed(content: bytes) -> bytes:
    """Equal for equal content."""
    return gzip.compress(content, compresslevel=_LEVEL, mtime=0)


def compress(response: Response) -> None:
    """Compresses the answer to the current request; an ETag must be weak, and Vary have Accept-Encoding. One
    that another site's page asks for stays as it is: from the lengths of compressed pages, someone who sees
    the network and chooses what is searched for could guess what else they say."""
    content = response.get_data()
    if not is_wanted() or len(content) < _LEAST or request.headers.get("Sec-Fetch-Site") in _OTHER_SITES:
        return
    response.set_data(compressed(content))
    response.headers["Content-Encoding"] = "gzip"

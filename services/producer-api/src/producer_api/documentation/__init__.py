"""The page that shows the API's description: Swagger UI, from a Python package, and what starts it."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the page: nothing of another address, and no script or style in the page itself."""

PAGE: Final = "page.html"
_OURS = {PAGE: "text/html; charset=utf-8", "start.js": "text/javascript; charset=utf-8"}
_SWAGGER_UI = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


@dataclass(frozen=True)
class Asset:
    """A file of the page. `compressed`: by gzip."""

    media_type: str
    content: bytes
    compressed: bytes
    etag: str


@cache
def asset(name: str) -> Asset:
    """Raises `KeyError` for another name. Each is read and compressed once in a process."""
    if name in _OURS:
        media_type, file = _OURS[name], files(__name__) / name
    else:
        media_type, file = _SWAGGER_UI[name], files("flask_swagger_ui") / "dist" / name
    content = file.read_bytes()
    compressed = gzip.compress(content, compresslevel=6, mtime=0)
    return Asset(media_type, content, compressed, hashlib.sha256(content).hexdigest()[:16])

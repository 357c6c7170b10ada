"""The page that shows the API's description: Swagger UI, from a Python package, and what starts it."""

from functools import cache
from importlib.resources import files
from typing import Final

from producer_api.assets import Asset

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


@cache
def asset(name: str) -> Asset:
    """Raises `KeyError` for another name. Each is read and compressed once in a process."""
    if name in _OURS:
        media_type, file = _OURS[name], files(__name__) / name
    else:
        media_type, file = _SWAGGER_UI[name], files("flask_swagger_ui") / "dist" / name
    return Asset.of(media_type, file.read_bytes())

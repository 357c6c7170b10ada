"""Files that come with the package and that browsers load."""

import hashlib
from dataclasses import dataclass
from typing import Final

from flask import Response, request

from producer_api.compression import compressed, is_wanted

FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"


@dataclass(frozen=True)
class Asset:
    """A file. `compressed`: by gzip."""

    media_type: str
    content: bytes
    compressed: bytes
    etag: str

    @classmethod
    def of(cls, media_type: str, content: bytes) -> "Asset":
        return cls(media_type, content, compressed(content), hashlib.sha256(content).hexdigest()[:16])

    def response(self, policy: str, cache_control: str = ASK_AGAIN) -> Response:
        """The answer to the current request. `policy`: its Content-Security-Policy."""
        is_compressed = is_wanted()
        response = Response(
            self.compressed if is_compressed else self.content,
            content_type=self.media_type,
            headers={
                "Cache-Control": cache_control,
                "Vary": "Accept-Encoding",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": policy,
                "Referrer-Policy": "no-referrer",
            },
        )
        if is_compressed:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(f"{self.etag}{'-gzip' if is_compressed else ''}")
        response.make_conditional(request)
        return response

"""An HTTP response as bytes, for what is answered without a web framework."""

from http import HTTPStatus


def bare_response(status: HTTPStatus, media_type: str, body: bytes, *, with_body: bool = True) -> bytes:
    """The connection ends with it. Without the body it is the answer to a HEAD."""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {media_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")

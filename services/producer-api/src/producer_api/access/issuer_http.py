"""HTTP with an OpenID Connect issuer: its answers are JSON, and bounded in time and size."""

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx

from waybill import addresses
from waybill.errors import RetryableError

DEADLINE_SECONDS = 5.0
"""For all of a conversation."""
_TIMEOUT = httpx.Timeout(2)
_MAX_BYTES = 1024 * 1024


class IssuerError(RetryableError):
    """What only an issuer can say is needed, and it cannot be asked now."""


class IssuerHttp:
    """One conversation with an issuer. Redirects are not followed. What goes wrong in the block, also with
    what was answered (ValueError), is an `IssuerError`."""

    def __init__(self, issuer: str) -> None:
        self._deadline = time.monotonic() + DEADLINE_SECONDS
        self._http = httpx.Client(
            timeout=_TIMEOUT,
            follow_redirects=False,
            # a proxy cannot reach what listens on this machine's loopback
            trust_env=not is_loopback(issuer),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "waybill"},
        )

    def __enter__(self) -> "IssuerHttp":
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._http.close()
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL | OSError | ValueError | RecursionError):
            raise IssuerError(str(error) or type(error).__name__) from error

    def get(self, url: str) -> dict[str, Any]:
        status, document = self._ask("GET", url)
        if status != httpx.codes.OK:
            raise ValueError(f"{url} answers {status}")
        return document

    def post(
        self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        """The status, 200 or a refusal (4xx), and what is answered. `basic`: user and password."""
        return self._ask("POST", url, data=form, auth=basic)

    def _ask(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        body = bytearray()
        with self._http.stream(method, url, **options) as response:
            status = response.status_code
            if status != httpx.codes.OK and not (method == "POST" and response.is_client_error):
                raise ValueError(f"{url} answers {status}")
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise ValueError(f"{url} answers more than {_MAX_BYTES} bytes")
                if time.monotonic() > self._deadline:
                    raise ValueError(f"{url} is too slow")
        document = json.loads(body)
        if not isinstance(document, dict):
            raise ValueError(f"{url} answers no JSON object")  # noqa: TRY004 - what others send is no type error
        return status, document


def is_secure(url: str, *, from_loopback: bool = True) -> bool:
    """Whether no network between can change what it answers: HTTPS, or this machine if what names the URL is
    `from_loopback` too. ValueError for no URL."""
    parts = urlsplit(url)
    is_local = from_loopback and parts.scheme == "http" and is_loopback(url)
    return bool(parts.hostname) and (parts.scheme == "https" or is_local)


def is_loopback(url: str) -> bool:
    try:
        return addresses.is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False

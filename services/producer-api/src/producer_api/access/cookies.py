"""Cookies that only this service can have made."""

import hashlib
from collections.abc import Sequence
from typing import Any

from flask import Request, Response
from itsdangerous import BadData, URLSafeSerializer

from producer_api.access.issuer_http import is_loopback


class SignedCookie:
    """Signed, so that no client can make or change one; its holder can read it.

    It is sent and accepted over HTTPS alone: as `__Host-<name>`, or below a path prefix as `__Secure-<name>`,
    since other services may have the same host then. `plain_on_loopback`: on this machine also over HTTP,
    as `<name>`.
    """

    def __init__(self, name: str, secrets: Sequence[str], *, plain_on_loopback: bool) -> None:
        """`secrets`: the first signs; one that any of them has signed is accepted."""
        self._name = name
        self._plain_on_loopback = plain_on_loopback
        self._serializer = URLSafeSerializer(
            [*reversed(secrets)],
            salt=f"{name} 1",  # another number for another content
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def can_be_set(self, request: Request) -> bool:
        return self.name_for(request) is not None

    def is_sent(self, request: Request) -> bool:
        """Whether there is one, right or wrong."""
        return self.name_for(request) in request.cookies

    def read(self, request: Request) -> Any:
        """What it holds; None without one that is ours."""
        sent = request.cookies.get(self.name_for(request) or "")
        if not sent:
            return None
        try:
            return self._serializer.loads(sent)
        except (BadData, ValueError, RecursionError):
            return None

    def set(self, request: Request, response: Response, content: Any, seconds: int) -> None:
        self._send(request, response, str(self._serializer.dumps(content)), seconds)

    def end(self, request: Request, response: Response) -> None:
        self._send(request, response, "", 0)

    def _send(self, request: Request, response: Response, value: str, seconds: int) -> None:
        response.set_cookie(
            self.name_for(request) or self._name,
            value,
            max_age=seconds,
            path=request.script_root or "/",
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )

    def name_for(self, request: Request) -> str | None:
        """How it is called where such requests are sent. None where it would travel in plain text."""
        if request.is_secure:
            return f"__Secure-{self._name}" if request.script_root else f"__Host-{self._name}"
        return self._name if self._plain_on_loopback and is_loopback(f"http://{request.host}") else None

"""API keys as credentials."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from flask import Request

from producer_api.access.identity import Identity, bearer, unauthenticated
from waybill.domain import KEY_PREFIX, ApiKey, Secret
from waybill.errors import RetryableError
from waybill.ledger import ApiKeys

_REMEMBERED_SECONDS = 2.0
"""A key that was revoked works for at most as long."""
_MAX_REMEMBERED = 10_000


class KeyAuthenticator:
    """Keys as bearer tokens. Remembers for a moment which may be used. Threads may share one."""

    def __init__(self, keys: ApiKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[ApiKey, float]] = {}
        """By a hash of the whole key, until when."""

    def schemes(self, _request: Request) -> Mapping[str, Mapping[str, str]]:
        form = {"type": "http", "scheme": "bearer", "bearerFormat": f"{KEY_PREFIX}<id>_<secret>"}
        return {"key": {**form, "description": "An API key."}}

    def identify(self, request: Request) -> Identity | None:
        token = bearer(request)
        if token is None or not token.startswith(KEY_PREFIX):
            return None
        secret = Secret.read(token)
        key = self._usable(secret) if secret else None
        if secret is None or key is None:
            detail = "There is no such API key, or it was revoked or has expired."
            raise unauthenticated(detail, "invalid_token")
        return Identity(key.owner, key.roles, f"key {key.id}", partial(self._is_valid, secret))

    def _usable(self, secret: Secret) -> ApiKey | None:
        name = hashlib.sha256(str(secret).encode()).digest()
        now = self._clock()
        with self._lock:
            known = self._known.get(name)
        if known and now < known[1]:
            return known[0]
        key = self._keys.usable(secret)
        with self._lock:
            self._known.pop(name, None)
            if key:
                if len(self._known) >= _MAX_REMEMBERED:
                    self._known.clear()
                self._known[name] = key, now + _REMEMBERED_SECONDS
        return key

    def _is_valid(self, secret: Secret) -> bool:
        """Also while the database is away: then no stream gets anything new."""
        try:
            return self._usable(secret) is not None
        except RetryableError:
            return True

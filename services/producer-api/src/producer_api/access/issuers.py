"""The keys with which an OpenID Connect issuer signs its tokens."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, RSAKey
from joserfc.jws import JWSRegistry

from waybill.errors import RetryableError

log = structlog.get_logger(__name__)

_KEPT_SECONDS = 300.0
"""A key that its issuer has withdrawn is accepted for at most as long, while the issuer can be reached."""
_PAUSE_SECONDS = 10.0
"""Between two fetches, whatever is asked for: tokens that name unknown keys cost an issuer no more."""
_TIMEOUT = httpx.Timeout(2)
_DEADLINE_SECONDS = 5.0
"""For all of a fetch, and for a request that waits for that of another."""
_MAX_BYTES = 1024 * 1024
_MIN_RSA_BITS = 2048
_DISCOVERY = "/.well-known/openid-configuration"
_KEY_TYPES = ("RSA", "EC", "OKP")  # never "oct": what an issuer publishes is no shared secret


class IssuerError(RetryableError):
    """An issuer's keys are needed, and cannot be fetched now."""


@dataclass(frozen=True)
class _Kept:
    keys: tuple[Key, ...]
    until: float

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """Without `kid`, the only one that can be meant."""
        usable = [key for key in self.keys if JWSRegistry.filter_algorithms(key, [algorithm])]
        if kid is None:
            return usable[0] if len(usable) == 1 else None
        return next((key for key in usable if key.kid == kid), None)


class IssuerKeys:
    """Fetches the keys of one issuer when they are first asked for, and again when they are old or lack one.
    While that fails, the old ones stay in use. Threads may share one."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._fetching = threading.Lock()
        self._kept: _Kept | None = None
        self._next_fetch: float | None = None
        self._failed = False

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """None where the issuer has no such key. Raises `IssuerError` where that cannot be known now. May
        block for as long as a fetch takes."""
        kept = self._kept
        known = kept.find(kid, algorithm) if kept else None
        if kept is None or known is None or self._clock() >= kept.until:
            kept = self._refreshed(kept, must_wait=known is None)
            known = kept.find(kid, algorithm) if kept else None
        if known is None and self._failed:
            raise IssuerError("The keys of the token's issuer cannot be fetched now. Try again.")
        return known

    def _refreshed(self, seen: _Kept | None, *, must_wait: bool) -> _Kept | None:
        """What is kept afterwards. Only one thread fetches; the others wait for it only if they must."""
        if not self._fetching.acquire(timeout=_DEADLINE_SECONDS if must_wait else 0):
            if must_wait:
                raise IssuerError("The keys of the token's issuer are still being fetched. Try again.")
            return seen
        try:
            is_due = self._next_fetch is None or self._clock() >= self._next_fetch
            if self._kept is seen and is_due:
                self._fetch()
        finally:
            self._fetching.release()
        return self._kept

    def _fetch(self) -> None:
        try:
            keys = fetch_keys(self._issuer)
        except IssuerError as error:
            self._failed = True
            then = "the old ones stay in use" if self._kept else "its tokens get 503 until they are"
            log.warning(f"keys not fetched: {then}", issuer=self._issuer, reason=str(error))
        else:
            self._kept, self._failed = _Kept(keys, self._clock() + _KEPT_SECONDS), False
            log.info("keys fetched", issuer=self._issuer, keys=len(keys))
        self._next_fetch = self._clock() + _PAUSE_SECONDS


def fetch_keys(issuer: str) -> tuple[Key, ...]:
    """Those that can verify a signature, as the issuer's configuration names them. Redirects are not
    followed. Raises `IssuerError`."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    try:
        with httpx.Client(
            timeout=_TIMEOUT,
            follow_redirects=False,
            # a proxy cannot reach what listens on this machine's loopback
            trust_env=not is_loopback(issuer),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "waybill"},
        ) as http:
            address = _keys_address(issuer, _get(http, issuer.rstrip("/") + _DISCOVERY, deadline))
            published = _get(http, address, deadline).get("keys")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError) as error:
        raise IssuerError(str(error) or type(error).__name__) from error
    if not isinstance(published, list):
        raise IssuerError(f"{address} is no JSON Web Key Set")
    return tuple(filter(None, map(_imported, published)))


def is_secure(url: str, *, from_loopback: bool = True) -> bool:
    """Whether no network between can change what it answers: HTTPS, or this machine if what names the URL is
    `from_loopback` too. ValueError for no URL."""
    parts = urlsplit(url)
    is_local = from_loopback and parts.scheme == "http" and is_loopback(url)
    return bool(parts.hostname) and (parts.scheme == "https" or is_local)


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _get(http: httpx.Client, url: str, deadline: float) -> dict[str, Any]:
    body = bytearray()
    with http.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"{url} answers {response.status_code}")
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _MAX_BYTES:
                raise ValueError(f"{url} answers more than {_MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise ValueError(f"{url} is too slow")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{url} answers no JSON object")  # noqa: TRY004 - what others send is no type error
    return document


def _keys_address(issuer: str, configuration: dict[str, Any]) -> str:
    if configuration.get("issuer") != issuer:
        raise ValueError("its configuration is that of another issuer")
    address = configuration.get("jwks_uri")
    if not isinstance(address, str) or not is_secure(address, from_loopback=is_loopback(issuer)):
        raise ValueError("the address of its keys (jwks_uri) is no https URL")
    return address


def _imported(published: Any) -> Key | None:
    """None where it is of no use here; that must not keep the issuer's other keys from being used."""
    if not isinstance(published, dict) or published.get("kty") not in _KEY_TYPES:
        return None
    try:
        key = JWKRegistry.import_key(published)
        key.check_use("sig")
        key.check_key_op("verify")
    except (JoseError, UnsupportedAlgorithm, ValueError, KeyError, TypeError):
        return None
    return None if isinstance(key, RSAKey) and key.raw_value.key_size < _MIN_RSA_BITS else key

"""What OpenID Connect issuers publish: the keys with which they sign tokens, and where one signs in."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, RSAKey
from joserfc.jws import JWSRegistry

from producer_api.access.issuer_http import (
    IssuerError,
    IssuerHttp,
    is_loopback,
    is_secure,
)

log = structlog.get_logger(__name__)

_KEPT_SECONDS = 300.0
"""A key that its issuer has withdrawn is accepted for at most as long, while the issuer can be reached."""
_WAIT_SECONDS = 0.5
"""For the fetch of another thread. While an issuer hangs, tokens with made-up keys hold one thread."""
_PAUSE_SECONDS = 10.0
"""Between two fetches, whatever is asked for: tokens that name unknown keys cost an issuer no more."""
_MIN_RSA_BITS = 2048
_DISCOVERY = "/.well-known/openid-configuration"
_KEY_TYPES = ("RSA", "EC", "OKP")  # never "oct": what an issuer publishes is no shared secret


@dataclass(frozen=True)
class Endpoints:
    """Where one signs in; None where the issuer has no such address, or an insecure one.
    `authentication`: the ways in which a client may say its secret. `names_itself`: whether its answers say
    whose they are (`iss`, RFC 9207)."""

    authorization: str | None
    token: str | None
    authentication: frozenset[str] = frozenset({"client_secret_basic"})
    names_itself: bool = False


@dataclass(frozen=True)
class _Kept:
    keys: tuple[Key, ...]
    endpoints: Endpoints
    until: float

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """Without `kid`, the only one that can be meant."""
        usable = [key for key in self.keys if JWSRegistry.filter_algorithms(key, [algorithm])]
        if kid is None:
            return usable[0] if len(usable) == 1 else None
        return next((key for key in usable if key.kid == kid), None)


class Issuer:
    """Fetches what one issuer publishes when it is first asked for, and again when it is old or lacks a key.
    While that fails, the old stays in use. Threads may share one."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._fetching = threading.Lock()
        self._kept: _Kept | None = None
        self._next_fetch: float | None = None
        self._failed = False

    def find_key(self, kid: str | None, algorithm: str) -> Key | None:
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

    def endpoints(self) -> Endpoints:
        """Raises `IssuerError` where they cannot be known now. May block for as long as a fetch takes."""
        kept = self._kept
        if kept is None or self._clock() >= kept.until:
            kept = self._refreshed(kept, must_wait=kept is None)
        if kept is None:
            raise IssuerError("The issuer, where one signs in, cannot be reached now. Try again.")
        return kept.endpoints

    def _refreshed(self, seen: _Kept | None, *, must_wait: bool) -> _Kept | None:
        """What is kept afterwards. Only one thread fetches; the others wait for it only if they must."""
        if not self._fetching.acquire(timeout=_WAIT_SECONDS if must_wait else 0):
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
            endpoints, keys = fetch(self._issuer)
        except IssuerError as error:
            self._failed = True
            then = "the old ones stay in use" if self._kept else "its tokens get 503 until they are"
            log.warning(f"keys not fetched: {then}", issuer=self._issuer, reason=str(error))
        else:
            self._kept, self._failed = _Kept(keys, endpoints, self._clock() + _KEPT_SECONDS), False
            log.info("keys fetched", issuer=self._issuer, keys=len(keys))
        self._next_fetch = self._clock() + _PAUSE_SECONDS


def fetch(issuer: str) -> tuple[Endpoints, tuple[Key, ...]]:
    """The keys are those that can verify a signature. Raises `IssuerError`."""
    with IssuerHttp(issuer) as http:
        configuration = http.get(issuer.rstrip("/") + _DISCOVERY)
        address = _keys_address(issuer, configuration)
        published = http.get(address).get("keys")
        if not isinstance(published, list):
            raise ValueError(f"{address} is no JSON Web Key Set")  # noqa: TRY004 - what others send
        endpoints = _endpoints(issuer, configuration)
    return endpoints, tuple(filter(None, map(_imported, published)))


def _keys_address(issuer: str, configuration: dict[str, Any]) -> str:
    if configuration.get("issuer") != issuer:
        raise ValueError("its configuration is that of another issuer")
    address = _address(issuer, configuration, "jwks_uri")
    if address is None:
        raise ValueError("the address of its keys (jwks_uri) is no https URL")
    return address


def _endpoints(issuer: str, configuration: dict[str, Any]) -> Endpoints:
    ways = configuration.get("token_endpoint_auth_methods_supported")
    return Endpoints(
        _address(issuer, configuration, "authorization_endpoint"),
        _address(issuer, configuration, "token_endpoint"),
        frozenset(map(str, ways)) if isinstance(ways, list) else Endpoints.authentication,
        configuration.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(issuer: str, configuration: dict[str, Any], name: str) -> str | None:
    """None for one that is not secure, which must not keep the issuer's keys from being used."""
    address = configuration.get(name)
    try:
        is_usable = isinstance(address, str) and is_secure(address, from_loopback=is_loopback(issuer))
    except ValueError:
        return None
    return address if is_usable else None


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

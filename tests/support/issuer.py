"""A small OpenID Connect issuer on loopback: its configuration, and keys that a test changes."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.support.http_server import Request, Server, serving

CONFIGURATION = "/.well-known/openid-configuration"
AUDIENCE = "waybill"


def new_key(kid: str | None, algorithm: str = "ES256") -> Key:
    parameters: Any = {"kid": kid} if kid else {}
    if algorithm.startswith("ES"):
        curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
        return ECKey.generate_key(curve, parameters)
    if algorithm == "Ed25519":
        return OKPKey.generate_key("Ed25519", parameters)
    return RSAKey.generate_key(2048, parameters)


class Issuer:
    """`published`: its keys as it shows them. `extra`: further entries of its configuration."""

    def __init__(self, server: Server, path: str = "") -> None:
        self.server = server
        self.url = server.url + path
        self.key: Key = new_key("first")
        self.published: list[Any] = [self.key.as_dict(private=False)]
        self.extra: dict[str, Any] = {}
        server.routes[f"GET {path.rstrip('/')}{CONFIGURATION}"] = self._show_configuration
        server.routes[f"GET {path.rstrip('/')}/keys"] = self._show_keys

    def rotate(self, key: Key, *, keep: bool = False) -> None:
        """From now on it signs with this key. `keep`: it shows the ones before too."""
        self.key = key
        self.published = [*(self.published if keep else ()), key.as_dict(private=False)]

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Good ones, with these in addition or instead; one that is None is left out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300}
        return {name: value for name, value in {**usual, **claims}.items() if value is not None}

    def token(
        self, key: Key | None = None, header: dict[str, Any] | None = None, alg: str = "ES256", **claims: Any
    ) -> str:
        key = key or self.key
        named = {"kid": key.kid} if key.kid else {}
        header = {"alg": alg, "typ": "JWT", **named, **(header or {})}
        registry = _Registry(algorithms=[alg], strict_check_header=False)
        return jws.serialize_compact(header, json.dumps(self.claims(**claims)), key, registry=registry)

    @property
    def asked(self) -> int:
        """How often its keys were fetched."""
        return sum(path.endswith("/keys") for path in self.server.requests)

    def _show_configuration(self, request: Request) -> None:
        request.json({"issuer": self.url, "jwks_uri": f"{self.url.rstrip('/')}/keys", **self.extra})

    def _show_keys(self, request: Request) -> None:
        request.json({"keys": self.published})


class _Registry(jws.JWSRegistry):
    max_header_length = 100_000


@contextmanager
def issuing(path: str = "") -> Iterator[Issuer]:
    with serving() as server:
        yield Issuer(server, path)

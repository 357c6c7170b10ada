"""A small OpenID Connect issuer on loopback: its configuration, keys that a test changes, and the code flow
with PKCE, in which alice signs in without being asked."""

import hashlib
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

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
    """`published`: its keys as it shows them. `extra`: further entries of its configuration. `clients`: their
    secrets by their ids, empty for a public one. `id_claims`: of ID tokens, in addition or instead."""

    def __init__(self, server: Server, path: str = "") -> None:
        self.server = server
        self.url = server.url + path
        self.key: Key = new_key("first")
        self.published: list[Any] = [self.key.as_dict(private=False)]
        self.extra: dict[str, Any] = {}
        self.clients: dict[str, str] = {}
        self.id_claims: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        """The query for which each was given; it is removed when it is used."""
        server.routes[f"GET {path.rstrip('/')}{CONFIGURATION}"] = self._show_configuration
        server.routes[f"GET {path.rstrip('/')}/keys"] = self._show_keys
        server.routes[f"GET {path.rstrip('/')}/authorize"] = self._authorize
        server.routes[f"POST {path.rstrip('/')}/token"] = self._exchange

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
        base = self.url.rstrip("/")
        known = {
            "issuer": self.url,
            "jwks_uri": f"{base}/keys",
            "authorization_endpoint": f"{base}/authorize?from=issuer",
            "token_endpoint": f"{base}/token",
        }
        request.json({**known, **self.extra})

    def _show_keys(self, request: Request) -> None:
        request.json({"keys": self.published})

    def _authorize(self, request: Request) -> None:
        query = dict(parse_qsl(request.path.partition("?")[2]))
        assert query["from"] == "issuer"
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        assert query["client_id"] in self.clients
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        answer = urlencode({"code": code, "state": query["state"]})
        request.json({}, 303, Location=f"{query['redirect_uri']}?{answer}")

    def _exchange(self, request: Request) -> None:
        form = request.body
        asked = self._codes.pop(form["code"], None)
        client = self._client(request)
        if client is None:
            request.json({"error": "invalid_client"}, 401)
        elif (
            asked is None
            or asked["client_id"] != client
            or asked["redirect_uri"] != form["redirect_uri"]
            or asked["code_challenge"] != _challenge(form["code_verifier"])
        ):
            request.json({"error": "invalid_grant"}, 400)
        else:
            claims = {"aud": client, "nonce": asked["nonce"], **self.id_claims}
            request.json({"access_token": "opaque", "token_type": "Bearer", "id_token": self.token(**claims)})

    def _client(self, request: Request) -> str | None:
        """By its secret, in the header or the form; None where that is wrong."""
        scheme, _, encoded = (request.headers["Authorization"] or "").partition(" ")
        if scheme == "Basic":
            name, _, secret = map(unquote_plus, b64decode(encoded).decode().partition(":"))
        else:
            name, secret = request.body["client_id"], request.body.get("client_secret", "")
        return name if self.clients.get(name) == secret else None


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class _Registry(jws.JWSRegistry):
    max_header_length = 100_000


def settings_to_sign_in(issuer: Issuer) -> dict[str, str]:
    """Of an API at which one signs in at the issuer, or sends a key."""
    issuer.clients = {"pages": "secret"}
    return {
        "auth": "key,oidc",
        "oidc_issuers": issuer.url,
        "oidc_audience": "api",
        "oidc_client_id": "pages",
        "oidc_client_secret": "secret",
        "session_secret": "s" * 32,
    }


@contextmanager
def issuing(path: str = "") -> Iterator[Issuer]:
    with serving() as server:
        yield Issuer(server, path)

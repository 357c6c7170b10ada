"""By what clients say who they are."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Request, Response
from joserfc.jwk import Key
from werkzeug.http import parse_cookie
from werkzeug.test import create_environ

from producer_api.access import Identity
from producer_api.access.claims import ClaimsPolicy
from producer_api.access.cookies import SignedCookie
from producer_api.access.oidc import OidcAuthenticator, OidcPolicy
from producer_api.access.proxy import ProxyAuthenticator, ProxyHeaders
from producer_api.access.session import COOKIE, SessionAuthenticator, SessionPolicy
from producer_api.addressing import FROM_TRUSTED_PROXY
from producer_api.problems import Problem
from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_json, mutated_text, odd_text
from tests.fuzz.target import Check, Place
from tests.support.issuer import AUDIENCE, issuing, new_key
from waybill.domain import Owner, Role, Secret
from waybill.errors import RetryableError

HOST = "127.0.0.1:8080"
ORIGIN = f"http://{HOST}"
_ENVIRON = create_environ(base_url=ORIGIN)
_KEY = str(Secret("abcdefghijkm", "A" * 43))
_CLAIMS = ClaimsPolicy(
    tenant="org.unit",
    mapping={"report-users": frozenset({Role.REQUESTER}), "ops": frozenset({Role.OPERATOR})},
)
_SECRETS = ("s" * 32, "o" * 40)
_ISSUER = "https://issuer.test"
_RIGHT = 0
"""The place of the right one among `_signatures`."""
_PROXY = ProxyHeaders("X-Forwarded-User", "X-Tenant", "X-Roles")


def read_a_key(choices: Choices) -> bool:
    """What is read is written as it was, and its secret is not shown."""
    text = mutated_text(choices, _KEY)
    secret = Secret.read(text)
    if secret is None:
        return False
    assert str(secret) == text
    assert Secret.read(str(secret)) == secret
    assert secret.secret not in repr(secret)
    return True


@contextmanager
def web_tokens(_: Place) -> Iterator[Check]:
    """Nothing is accepted but what the issuer's key has signed, to the letter."""
    with issuing() as issuer:
        policy = OidcPolicy((issuer.url,), (AUDIENCE,), ("ES256", "RS256"), _CLAIMS)
        # its time stands still: the keys are fetched once, whatever tokens ask for
        authenticator = OidcAuthenticator(policy, time.time, lambda: 0.0)
        other = new_key(issuer.key.kid)
        tomorrow = int(time.time()) + 86_400  # no run lasts longer
        claims = issuer.claims(org={"unit": "acme"}, roles=["report-users"], nbf=1, exp=tomorrow, jti="x")

        def check(choices: Choices) -> bool:
            header = mutated_json(choices, {"alg": "ES256", "typ": "JWT", "kid": issuer.key.kid}, 1)
            sent = mutated_json(choices, claims, 2)
            body = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(sent).encode())}"
            way = choices.one((_RIGHT,) * 5 + (1, 2, 3))
            signature = _signatures(body, issuer.key, other)[way]
            token = _sent(mutated_text(choices, f"{body}.{signature}", 1))

            identity = _identity_of(authenticator, {"HTTP_AUTHORIZATION": f"Bearer {token}"})

            if identity is None:
                return False
            assert token.strip().rpartition(".")[0] == body, "not what was signed"
            assert way == _RIGHT
            assert header["alg"] == "ES256"
            assert sent["iss"] == issuer.url
            assert AUDIENCE in (sent["aud"] if isinstance(sent["aud"], list) else [sent["aud"]])
            assert time.time() - 61 < sent["exp"] < float("inf"), "it never expires"
            assert identity.is_valid() in (True, False)
            _is_named(identity)
            return True

        yield check


@contextmanager
def sessions(_: Place) -> Iterator[Check]:
    """Nothing is accepted but what we have signed, for as long as it says, and from our pages alone where it
    changes something."""
    cookies = {
        secret: SignedCookie(COOKIE, [secret], plain_on_loopback=True) for secret in (*_SECRETS, "x" * 32)
    }
    policy = SessionPolicy(_SECRETS, timedelta(hours=8), plain_on_loopback=True)
    authenticator = SessionAuthenticator(policy, [_ISSUER])
    request = Request(dict(_ENVIRON))
    now = int(time.time())
    valid = {
        "iss": _ISSUER,
        "tenant": "acme",
        "owner": "ann",
        "roles": ["requester", "operator"],
        "iat": now,
        "exp": now + 3600,
    }

    def check(choices: Choices) -> bool:
        content = mutated_json(choices, valid, 2)
        secret = choices.one((*_SECRETS, _SECRETS[0], "x" * 32))
        response = Response()
        try:
            cookies[secret].set(request, response, content, 60)
        except UnicodeEncodeError:  # what no cookie can hold
            return False
        signed = parse_cookie(response.headers["Set-Cookie"])[COOKIE]
        sent = mutated_text(choices, signed, 1)
        method, origin, site = (
            choices.one(("GET", "POST", "DELETE")),
            choices.one((None, mutated_text(choices, ORIGIN, 1))),
            choices.one((None, "same-origin", "cross-site", "none", odd_text(choices))),
        )
        headers = {"HTTP_COOKIE": f"{COOKIE}={sent}", "HTTP_ORIGIN": origin, "HTTP_SEC_FETCH_SITE": site}

        identity = _identity_of(authenticator, headers, method)

        if identity is None:
            return False
        assert secret in _SECRETS
        assert content["iss"] == _ISSUER
        assert identity.owner == Owner(content["tenant"], content["owner"])
        assert identity.roles == set(content["roles"])
        assert float(content["exp"]) > now
        if method != "GET":
            by_origin = site is None and origin is not None and _sent(origin).lower() == ORIGIN
            assert by_origin or _sent(site or "") == "same-origin"
        _is_named(identity)
        return True

    yield check


def read_a_proxys_headers(choices: Choices) -> bool:
    """Only a trusted proxy's, and the names in them are those that are read."""
    is_trusted = not choices.rarely(4)
    user, tenant = mutated_text(choices, choices.one(("ann", "Zoë Ω")), 1), mutated_text(choices, "acme", 1)
    roles = mutated_text(choices, "requester,operator everyone", 1)
    names = {"HTTP_X_FORWARDED_USER": user, "HTTP_X_TENANT": tenant, "HTTP_X_ROLES": roles}

    identity = _identity_of(ProxyAuthenticator(_PROXY), names, trusted=is_trusted)

    if identity is None:
        return False
    assert is_trusted
    assert (identity.owner.name, identity.owner.tenant) == (_sent(user), _sent(tenant))
    assert {str(role) for role in identity.roles} <= set(_sent(roles).replace(",", " ").split())
    _is_named(identity)
    return True


def _identity_of(
    authenticator: Any, headers: Mapping[str, str | None], method: str = "GET", *, trusted: bool = False
) -> Identity | None:
    """None where the credential is refused, or none at all. The headers' texts are sent in UTF-8."""
    environ = {**_ENVIRON, "REQUEST_METHOD": method}
    environ |= {
        name: _sent(text).encode().decode("latin-1") for name, text in headers.items() if text is not None
    }
    if trusted:
        environ[FROM_TRUSTED_PROXY] = True
    try:
        found: Identity | None = authenticator.identify(Request(environ))
    except Problem as problem:
        assert problem.kind in ("unauthenticated", "cross-site"), problem
        assert problem.detail.encode()
        return None
    except RetryableError as error:
        raise AssertionError("nothing is away") from error
    return found


def _sent(text: str) -> str:
    """What HTTP can carry of it."""
    return text.encode(errors="replace").decode().translate({0: None, 10: None, 13: None})


def _is_named(identity: Identity) -> None:
    """By names that every part can keep and show."""
    assert Owner.named(identity.owner.tenant, identity.owner.name) == identity.owner
    assert identity.roles <= frozenset(Role)
    assert identity.credential.isprintable()


def _signatures(body: str, right: Key, wrong: Key) -> tuple[str, ...]:
    """By the issuer's key; by another; with the public key as a shared secret; and none."""
    public = json.dumps(right.as_dict(private=False)).encode()
    shared = _encoded(hmac.digest(public, body.encode(), hashlib.sha256))
    return _signature(body, right), _signature(body, wrong), shared, ""


def _signature(body: str, key: Key) -> str:
    private = key.raw_value
    assert isinstance(private, EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(body.encode(), ECDSA(SHA256())))
    return _encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")

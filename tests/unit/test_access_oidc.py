"""Which tokens are accepted, from issuers that really answer on loopback, and who their holders are."""

import hmac
import json
import ssl
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Request
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey, RSAKey
from werkzeug.test import EnvironBuilder, TestResponse

from producer_api.access.claims import ClaimsPolicy
from producer_api.access.identity import Identity
from producer_api.access.issuer_http import IssuerError, is_secure
from producer_api.access.issuers import fetch
from producer_api.access.oidc import ALGORITHMS, OidcAuthenticator, OidcPolicy
from producer_api.app import create_app
from producer_api.problems import Problem
from tests.support.api_services import services_of
from tests.support.http_server import serving
from tests.support.issuer import AUDIENCE, CONFIGURATION, Issuer, issuing, new_key
from tests.support.waiting import PATIENCE
from waybill.background import in_background
from waybill.domain import Owner, Role
from waybill.errors import RetryableError


class Clock:
    """Both of an authenticator's: the time of day, and what passes."""

    def __init__(self) -> None:
        self.passed = 0.0

    def time(self) -> float:
        return time.time() + self.passed

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


Make = Callable[..., OidcAuthenticator]


@pytest.fixture
def make(clock: Clock, issuer: Issuer) -> Make:
    def authenticator(
        *issuers: Issuer, claims: ClaimsPolicy | None = None, **policy: Any
    ) -> OidcAuthenticator:
        return OidcAuthenticator(
            OidcPolicy(
                tuple(one.url for one in issuers or (issuer,)),
                (AUDIENCE,),
                claims=claims or ClaimsPolicy(),
                **policy,
            ),
            clock.time,
            clock.monotonic,
        )

    return authenticator


@pytest.fixture
def authenticator(make: Make) -> OidcAuthenticator:
    return make()


def request(authorization: str | None) -> Request:
    environ = EnvironBuilder().get_environ()
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    return Request(environ)


def identify(authenticator: OidcAuthenticator, token: str) -> Identity:
    identity = authenticator.identify(request(f"Bearer {token}"))
    assert identity is not None
    return identity


def refused(authenticator: OidcAuthenticator, token: str) -> str:
    """Why: what the problem says of it, which never has a part of the token."""
    with pytest.raises(Problem) as caught:
        authenticator.identify(request(f"Bearer {token}"))
    problem = caught.value
    assert problem.kind == "unauthenticated"
    assert problem.headers["WWW-Authenticate"] == 'Bearer realm="waybill", error="invalid_token"'
    assert not any(part in problem.detail for part in token.split(".") if len(part) > 8)
    return problem.detail


def unsigned(header: Any, claims: Any, signature: str = "") -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join([*(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), signature])


class TestAGoodToken:
    def test_names_its_holder(self, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        identity = identify(authenticator, issuer.token())

        assert identity.owner == Owner("default", "alice")
        assert identity.roles == {Role.REQUESTER}
        assert identity.credential == f"oidc {issuer.url}"
        assert identity.is_valid()

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_may_be_signed_by_each_algorithm_that_is_allowed(
        self, algorithm: str, make: Make, issuer: Issuer
    ) -> None:
        issuer.rotate(new_key("of its own", algorithm))
        token = issuer.token(alg=algorithm)

        assert identify(make(algorithms=ALGORITHMS), token).owner.name == "alice"
        others = tuple(other for other in ALGORITHMS if other != algorithm)
        assert "its algorithm is not one of" in refused(make(algorithms=others), token)

    @pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
    def test_may_be_an_access_token(self, typ: str, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        assert identify(authenticator, issuer.token(header={"typ": typ}))

    def test_may_be_for_several(self, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        assert identify(authenticator, issuer.token(aud=["another", AUDIENCE]))

    def test_may_have_headers_that_nobody_knows(
        self, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        assert identify(authenticator, issuer.token(header={"nonce": "x", "x5c": ["y" * 900]}))

    def test_costs_the_issuer_nothing_once_its_keys_are_known(
        self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock
    ) -> None:
        for _ in range(20):
            identify(authenticator, issuer.token())
            clock.passed += 10

        assert issuer.asked == 1

    def test_needs_no_kid_if_the_issuer_has_one_key(
        self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock
    ) -> None:
        issuer.rotate(new_key(None))
        assert identify(authenticator, issuer.token())

        issuer.rotate(new_key(None), keep=True)
        clock.passed += 300
        assert "does not name the key (kid)" in refused(authenticator, issuer.token())


A_KEY = "wb_6qj5h4g8m7fq_JOBLrE0OlcItIdUglHjoO2CKa0qtd2L1kSFpYfCksMc"


class TestNoToken:
    @pytest.mark.parametrize(
        "authorization", [None, "Basic YTpi", "Bearer", f"Bearer {A_KEY}", "bearer wb_x"]
    )
    def test_is_left_to_others(self, authorization: str | None, authenticator: OidcAuthenticator) -> None:
        if authorization == "Bearer":
            with pytest.raises(Problem):
                authenticator.identify(request(authorization))
        else:
            assert authenticator.identify(request(authorization)) is None


class TestSeveralIssuers:
    def test_each_has_its_own_keys(self, make: Make, issuer: Issuer) -> None:
        with issuing("/realms/second/") as second:
            both = make(issuer, second)

            assert identify(both, issuer.token()).credential == f"oidc {issuer.url}"
            assert identify(both, second.token(sub="bob")).owner.name == "bob"
            assert "signature" in refused(both, issuer.token(key=second.key))
            assert "issuer" in refused(make(issuer), second.token())

    def test_one_that_is_down_does_not_matter_to_the_other(self, make: Make, issuer: Issuer) -> None:
        with issuing() as second:
            token = second.token()
        both = make(issuer, second)

        with pytest.raises(RetryableError):
            identify(both, token)
        assert identify(both, issuer.token())


class TestRotation:
    def test_a_new_key_is_fetched_when_a_token_names_it(
        self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock
    ) -> None:
        old = issuer.token()
        identify(authenticator, old)
        clock.passed += 10
        issuer.rotate(new_key("second"), keep=True)

        assert identify(authenticator, issuer.token())
        assert identify(authenticator, old)
        assert issuer.asked == 2

    def test_a_withdrawn_key_is_accepted_for_five_minutes_at_most(
        self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock
    ) -> None:
        old = issuer.token(exp=int(time.time()) + 3600)
        identify(authenticator, old)
        issuer.rotate(new_key("second"))

        clock.passed = 299
        assert identify(authenticator, old)
        clock.passed = 300
        assert "no such key" in refused(authenticator, old)
        assert identify(authenticator, issuer.token())

    def test_an_issuer_without_keys_accepts_nobody(
        self, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        issuer.published = []

        assert "no such key" in refused(authenticator, issuer.token())

    def test_unknown_keys_cause_no_load(
        self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock
    ) -> None:
        """1,000 forged tokens within 20 s, from several threads: three fetches, at 0, 10 and 20 s."""
        forged = [issuer.token(key=new_key(f"forged {n}")) for n in range(50)]
        reasons: list[str] = []

        def send() -> None:
            reasons.extend(refused(authenticator, token) for token in forged)

        for second in (0, 1, 10, 19, 20):
            clock.passed = second
            threads = [threading.Thread(target=send) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert len(reasons) == 1000
        assert all("no such key" in reason for reason in reasons)
        assert issuer.asked == 3

    def test_who_needs_a_new_key_waits_while_another_fetches_it(
        self, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        found: list[Identity] = []
        threads = [
            threading.Thread(target=lambda: found.append(identify(authenticator, issuer.token())))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(found) == 8
        assert issuer.asked == 1

    def test_who_has_a_key_does_not_wait_while_another_fetches(
        self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock
    ) -> None:
        identify(authenticator, issuer.token())
        clock.passed = 300
        asked, go_on = threading.Event(), threading.Event()

        def slowly(answered: Any) -> None:
            asked.set()
            go_on.wait(2)
            answered.json({"keys": issuer.published})

        issuer.server.routes["GET /keys"] = slowly
        other = threading.Thread(target=identify, args=(authenticator, issuer.token()))
        other.start()
        asked.wait(10)
        try:
            assert identify(authenticator, issuer.token())
            assert other.is_alive()
        finally:
            go_on.set()
            other.join()


class TestAnIssuerThatIsDown:
    def test_its_tokens_may_be_sent_again_later(self, make: Make) -> None:
        with issuing() as issuer:
            token = issuer.token()
        authenticator = make(issuer)

        with pytest.raises(RetryableError, match="cannot be fetched now"):
            identify(authenticator, token)

    def test_it_is_asked_again_after_a_pause(
        self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock
    ) -> None:
        keys = issuer.server.routes["GET /keys"]
        issuer.server.routes["GET /keys"] = lambda answered: answered.json({}, 503)
        for _ in range(5):
            with pytest.raises(RetryableError):
                identify(authenticator, issuer.token())
        assert issuer.asked == 1

        issuer.server.routes["GET /keys"] = keys
        clock.passed = 10
        assert identify(authenticator, issuer.token())

    def test_its_old_keys_stay_in_use(self, make: Make, clock: Clock) -> None:
        with issuing() as issuer:
            token, of_unknown_key = issuer.token(exp=2**40), issuer.token(key=new_key("second"))
            authenticator = make(issuer)
            identify(authenticator, token)
        for passed in (10, 300, 3000, 30_000):
            clock.passed = passed
            assert identify(authenticator, token)

        # It may be one that was made since: that cannot be known now.
        with pytest.raises(RetryableError):
            identify(authenticator, of_unknown_key)

    @pytest.mark.parametrize(
        "answer",
        [
            lambda answered: answered.json({}, 500),
            lambda answered: answered.json([]),
            lambda answered: answered.json({"keys": "none"}),
            lambda answered: answered.json({"other": []}),
            lambda answered: answered.bytes(b"not JSON", "text/plain"),
            lambda answered: answered.bytes(b"\xff\xfe\xfd", "application/json"),
            lambda answered: answered.bytes(b"[" * 100_000, "application/json"),
            lambda answered: answered.bytes(b" " * 1024 * 1024 + b"{}", "application/json"),
            lambda answered: answered.bytes(b"{}", "application/json", Content_Encoding="gzip"),
            lambda answered: answered.json({}, 302, Location="/elsewhere"),
            lambda answered: answered.json({}, 302, Location="http://127.0.0.2:1/"),
            lambda answered: answered.connection.close(),
        ],
    )
    @pytest.mark.parametrize("path", [CONFIGURATION, "/keys"])
    def test_whatever_it_answers(self, path: str, answer: Any, make: Make, issuer: Issuer) -> None:
        issuer.server.routes["GET /elsewhere"] = issuer.server.routes[f"GET {path}"]
        issuer.server.routes[f"GET {path}"] = answer

        with pytest.raises(RetryableError):
            identify(make(), issuer.token())
        assert "GET /elsewhere" not in issuer.server.requests

    @pytest.mark.parametrize("configuration", [{"issuer": "https://other.example.com"}, {"issuer": None}])
    def test_or_whose_configuration_is_another_ones(
        self, configuration: dict[str, Any], authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        issuer.extra = configuration

        with pytest.raises(RetryableError):
            identify(authenticator, issuer.token())

    @pytest.mark.parametrize(
        "address",
        [None, 5, "", "/keys", "ftp://localhost/keys", "http://example.com/keys", "http://[::1", "https://"],
    )
    def test_or_whose_keys_are_where_anybody_can_change_them(
        self, address: Any, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        issuer.extra = {"jwks_uri": address}

        with pytest.raises(RetryableError):
            identify(authenticator, issuer.token())


class TestKeys:
    @pytest.mark.parametrize(
        "odd",
        [
            *(None, 5, "key", [], {}),
            *({"kty": 5}, {"kty": []}, {"kty": "AKP"}, {"kty": "RSA"}, {"kty": "RSA", "n": "", "e": ""}),
            {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {**new_key("x").as_dict(private=False), "use": ["sig"], "key_ops": ["verify"]},
            {**new_key("x").as_dict(private=False), "use": "enc"},
            {**new_key("x").as_dict(private=False), "key_ops": ["deriveKey"]},
            {**new_key("x").as_dict(private=False), "kid": 5},
        ],
    )
    def test_one_that_is_of_no_use_does_not_matter_to_the_others(self, odd: Any, issuer: Issuer) -> None:
        issuer.published.insert(0, odd)

        assert [key.kid for key in fetch(issuer.url)[1]] == ["first"]

    def test_short_ones_are_not_used(self, issuer: Issuer) -> None:
        with pytest.warns(SecurityWarning):
            short = RSAKey.generate_key(1024, {"kid": "short"}, private=False)
        issuer.published.append(short.as_dict())

        with pytest.warns(SecurityWarning):
            assert [key.kid for key in fetch(issuer.url)[1]] == ["first"]

    def test_one_is_used_for_its_own_algorithm(self, make: Make, issuer: Issuer) -> None:
        issuer.rotate(RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256"}))
        accepting = make(algorithms=ALGORITHMS)

        assert identify(accepting, issuer.token(alg="RS256"))
        without = RSAKey.import_key({**issuer.key.as_dict(private=True), "alg": "PS256"})
        assert "no such key" in refused(accepting, issuer.token(without, alg="PS256"))

    def test_those_for_agreement_sign_nothing(self, make: Make, issuer: Issuer) -> None:
        issuer.published = [OKPKey.generate_key("X25519", {"kid": "x"}, private=False).as_dict()]
        forged = issuer.token(OKPKey.generate_key("Ed25519", {"kid": "x"}), alg="Ed25519")

        assert "no such key" in refused(make(algorithms=ALGORITHMS), forged)

    def test_are_not_fetched_from_an_issuer_with_a_wrong_certificate(
        self, issuer: Issuer, tmp_path: Path
    ) -> None:
        server = issuer.server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(tmp_path))
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        issuer.url = server.url.replace("http:", "https:")

        with pytest.raises(IssuerError, match="certificate verify failed"):
            fetch(issuer.url)
        assert server.requests == []

    @pytest.mark.parametrize("url", ["http://localhost/keys", "http://127.0.0.1/keys", "http://[::1]:8/keys"])
    def test_of_an_https_issuer_are_not_on_this_machine(self, url: str) -> None:
        assert is_secure(url)
        assert not is_secure(url, from_loopback=False)
        assert is_secure(url.replace("http:", "https:"), from_loopback=False)


def self_signed(folder: Path) -> Path:
    """A key and a certificate for loopback that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "issuer.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


class TestForged:
    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
    def test_without_a_signature(self, name: str, make: Make, issuer: Issuer) -> None:
        token = unsigned({"alg": name, "kid": "first"}, issuer.claims())

        assert "its algorithm is not one of" in refused(make(algorithms=ALGORITHMS), token)

    @pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
    def test_with_the_public_key_as_the_secret(self, algorithm: str, make: Make, issuer: Issuer) -> None:
        issuer.rotate(new_key("rsa", "RS256"))
        assert isinstance(issuer.key, RSAKey)
        # As the library refuses to do it:
        signed = unsigned({"alg": algorithm, "kid": "rsa"}, issuer.claims()).rstrip(".")
        secret = issuer.key.as_pem(private=False)
        mac = hmac.digest(secret, signed.encode(), f"sha{algorithm[2:]}")
        token = f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"

        assert "its algorithm is not one of" in refused(make(algorithms=ALGORITHMS), token)

    def test_with_another_key_of_the_same_name(
        self, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        assert "signature is wrong" in refused(authenticator, issuer.token(key=new_key("first")))

    def test_with_a_key_of_its_own(self, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        key = new_key("first")
        header = {"jwk": key.as_dict(private=False), "jku": "http://127.0.0.1:1/keys"}

        assert "signature is wrong" in refused(authenticator, issuer.token(key, header))

    def test_with_other_claims(self, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        header, _, signature = issuer.token().split(".")
        claims = unsigned({}, issuer.claims(sub="bob")).split(".")[1]

        assert "signature is wrong" in refused(authenticator, f"{header}.{claims}.{signature}")

    @pytest.mark.parametrize("cut", [1, 10, 86])
    def test_with_a_signature_that_is_cut(
        self, cut: int, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        token = issuer.token()

        assert "signature is wrong" in refused(authenticator, token[:-cut])

    @pytest.mark.parametrize(
        ("header", "reason"),
        [
            ({"crit": ["exp"], "exp": 1}, "extensions|no signed JSON Web Token"),
            ({"crit": ["kid"]}, "extensions"),
            ({"typ": "logout+jwt"}, "another type"),
            ({"typ": "dpop+jwt"}, "another type"),
        ],
    )
    def test_for_another_purpose(
        self, header: dict[str, Any], reason: str, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        token = unsigned({"alg": "ES256", "kid": "first", **header}, issuer.claims(), "AAAA")

        with pytest.raises(Problem, match=reason):
            identify(authenticator, token)


class TestClaimsOfTheToken:
    @pytest.mark.parametrize(
        "audience", ["another", "", [], ["another"], {}, {AUDIENCE: 1}, 5, [5], "WAYBILL", True]
    )
    def test_another_audience(self, audience: Any, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        assert "another audience" in refused(authenticator, issuer.token(aud=audience))

    @pytest.mark.parametrize("name", ["aud", "exp", "sub"])
    def test_one_that_is_needed_is_missing(
        self, name: str, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        left_out: Any = {name: None}

        assert f"it lacks the claim '{name}'" in refused(authenticator, issuer.token(**left_out))

    @pytest.mark.parametrize(
        "iss",
        [None, "", "https://other.example.com", "{}/", "HTTP://LOCALHOST", 5, [], ["{}"], {"a": 1}, True],
    )
    def test_another_issuer(self, iss: Any, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        other = json.loads(
            json.dumps(iss).replace("{}/", f"{issuer.url}/").replace('["{}"]', f'["{issuer.url}"]')
        )

        assert "issuer is not accepted" in refused(authenticator, issuer.token(iss=other))
        assert issuer.asked == 0

    def test_expired(self, authenticator: OidcAuthenticator, issuer: Issuer, clock: Clock) -> None:
        token = issuer.token()
        identity = identify(authenticator, token)
        clock.passed = 350
        assert identity.is_valid()

        clock.passed = 370
        assert not identity.is_valid()
        assert "it has expired" in refused(authenticator, token)

    @pytest.mark.parametrize(
        ("skew", "late", "accepted"), [(60, 50, True), (60, 70, False), (0, 10, False), (20, 10, True)]
    )
    def test_clocks_may_differ_by_the_skew(
        self, skew: int, late: int, accepted: bool, make: Make, issuer: Issuer
    ) -> None:
        now = int(time.time())
        authenticator = make(clock_skew=timedelta(seconds=skew))
        tokens = {
            "it has expired": issuer.token(exp=now - late),
            "not valid yet": issuer.token(nbf=now + late),
            "issued in the future": issuer.token(iat=now + late),
        }

        for reason, token in tokens.items():
            if accepted:
                assert identify(authenticator, token).is_valid()
            else:
                assert reason in refused(authenticator, token)

    @pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
    @pytest.mark.parametrize("value", ["1", "", [], {}, True, float("nan"), float("inf"), "2030-01-01"])
    def test_times_are_numbers(
        self, name: str, value: Any, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        assert f"({name})" in refused(authenticator, issuer.token(**{name: value}))

    @pytest.mark.parametrize("expiry", [2**40, 2.0**40 + 0.5, 10**400])
    def test_any_number(self, expiry: float, authenticator: OidcAuthenticator, issuer: Issuer) -> None:
        assert identify(authenticator, issuer.token(exp=expiry)).is_valid()

    def test_one_that_is_bound_to_a_key_is_no_bearer_token(
        self, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        assert "(cnf)" in refused(authenticator, issuer.token(cnf={"jkt": "x"}))


ODD = [5, 1.5, True, [], ["a"], {}, {"a": "b"}]


class TestOwnersAndTenants:
    @pytest.mark.parametrize("claim", ["email", "person.email", "https://example.com/email"])
    def test_are_read_where_the_settings_say(self, claim: str, make: Make, issuer: Issuer) -> None:
        authenticator = make(claims=ClaimsPolicy(owner=claim, tenant="org.name"))
        claims: Any = {"email": "a@b.c", "person": {"email": "a@b.c"}, "https://example.com/email": "a@b.c"}

        identity = identify(authenticator, issuer.token(**claims, org={"name": "acme"}))

        assert identity.owner == Owner("acme", "a@b.c")

    @pytest.mark.parametrize(
        "org", [None, "acme", 5, [], {}, {"name": None}, {"nam": "acme"}, {"name.": "acme"}]
    )
    def test_a_tenant_that_is_missing_is_not_the_default_one(
        self, org: Any, make: Make, issuer: Issuer
    ) -> None:
        authenticator = make(claims=ClaimsPolicy(tenant="org.name"))

        assert "it lacks the claim 'org.name'" in refused(authenticator, issuer.token(org=org))

    @pytest.mark.parametrize("odd", ODD)
    def test_are_text(self, odd: Any, make: Make, issuer: Issuer) -> None:
        assert "'org' is not text" in refused(make(claims=ClaimsPolicy(tenant="org")), issuer.token(org=odd))
        assert "'uid' is not text" in refused(make(claims=ClaimsPolicy(owner="uid")), issuer.token(uid=odd))

    @pytest.mark.parametrize("name", ["", "a\nb", "\ud800", "x" * 201])
    def test_owners_that_cannot_be(self, name: str, make: Make, issuer: Issuer) -> None:
        detail = refused(make(claims=ClaimsPolicy(owner="uid")), issuer.token(uid=name))

        assert "'uid' cannot be a name here" in detail

    @pytest.mark.parametrize("name", ["", "ACME", "a/b", "..", "-a", "x" * 64])
    def test_tenants_that_cannot_be(self, name: str, make: Make, issuer: Issuer) -> None:
        detail = refused(make(claims=ClaimsPolicy(tenant="org")), issuer.token(org=name))

        assert "'org' cannot be a name here" in detail


MAPPING = {
    "reporting": frozenset({Role.REQUESTER}),
    "Report Admins": frozenset({Role.OPERATOR, Role.AUDITOR}),
    "root": frozenset({Role.ADMIN}),
}


class TestRoles:
    @pytest.mark.parametrize(
        ("roles", "expected"),
        [
            (["reporting"], {Role.REQUESTER}),
            (["root", "reporting", "else"], {Role.ADMIN, Role.REQUESTER}),
            (["Report Admins"], {Role.OPERATOR, Role.AUDITOR}),
            ("Report Admins", {Role.OPERATOR, Role.AUDITOR}),
            ("openid root reporting", {Role.ADMIN, Role.REQUESTER}),
            *(([], set()), ("", set()), (None, set()), (["admin", "ROOT", "else"], set()), ("admin", set())),
        ],
    )
    def test_are_what_theirs_are_here(
        self, roles: Any, expected: set[Role], make: Make, issuer: Issuer
    ) -> None:
        default = frozenset({Role.AUDITOR})
        for claim, sent in (
            ("roles", {"roles": roles}),
            ("realm_access.roles", {"realm_access": {"roles": roles}}),
        ):
            policy = ClaimsPolicy(roles=claim, mapping=MAPPING, default_roles=default)

            assert identify(make(claims=policy), issuer.token(**sent)).roles == (expected or default)

    def test_theirs_are_not_ours_by_their_names(
        self, authenticator: OidcAuthenticator, issuer: Issuer
    ) -> None:
        assert identify(authenticator, issuer.token(roles=list(Role))).roles == {Role.REQUESTER}

    def test_there_may_be_none(self, make: Make, issuer: Issuer) -> None:
        policy = ClaimsPolicy(mapping=MAPPING, default_roles=frozenset())

        assert identify(make(claims=policy), issuer.token()).roles == set()

    @pytest.mark.parametrize(
        "odd", [5, 1.5, True, {}, {"root": True}, [["root"]], ["root", 5], [None], [{"root": 1}]]
    )
    def test_of_another_type_are_wrong(self, odd: Any, make: Make, issuer: Issuer) -> None:
        authenticator = make(claims=ClaimsPolicy(mapping=MAPPING))

        assert "'roles' is neither text nor a list" in refused(authenticator, issuer.token(roles=odd))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "cty", "enc", "zip"]),
    st.sampled_from(["ES256", "none", "HS256", "RS256", "first", "b64", "JWT"]) | JSON,
)
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "roles", "cnf", "jti"]), JSON
)
PARTS = st.text(max_size=40) | st.binary(max_size=60).map(
    lambda raw: urlsafe_b64encode(raw).decode().rstrip("=")
)
GARBAGE = st.text(max_size=200) | st.lists(PARTS, max_size=6).map(".".join)


class TestGarbage:
    """Only 401 comes of it: neither another problem nor another error, and the issuer is asked once."""

    @pytest.fixture(scope="class")
    @staticmethod
    def accepting() -> Iterator[tuple[OidcAuthenticator, Issuer]]:
        with issuing() as issuer:
            policy = OidcPolicy((issuer.url,), (AUDIENCE,), ALGORITHMS)
            yield OidcAuthenticator(policy, monotonic=lambda: 0), issuer
            assert issuer.asked <= 1

    @given(token=GARBAGE)
    @example(token="")
    @example(token="..")
    @example(token="\ud800.\x00.\xff")
    @example(token=unsigned({"alg": "ES256"}, {}).replace("e", "é"))
    @example(token=".".join([urlsafe_b64encode(b'{"alg":' + b"[" * 2900).decode().rstrip("="), "e30", ""]))
    @example(
        token=".".join(["eyJhbGciOiJFUzI1NiJ9", urlsafe_b64encode(b"[" * 90_000).decode().rstrip("="), ""])
    )
    @example(
        token=".".join(["eyJhbGciOiJFUzI1NiJ9", urlsafe_b64encode(b"9" * 9_000).decode().rstrip("="), ""])
    )
    @example(token=unsigned({"alg": "ES256", "kid": "x" * 3000}, {}))
    @example(token="x" * 500_000)
    def test_any_text(self, token: str, accepting: tuple[OidcAuthenticator, Issuer]) -> None:
        if not token.strip().startswith("wb_"):
            refused_as_garbage(accepting[0], token)

    @given(
        header=HEADERS | JSON, claims=CLAIMS | JSON, signature=st.sampled_from(["", "AAAA", "A" * 86, "="])
    )
    @example(header={"alg": "ES256", "crit": 5}, claims={}, signature="")
    @example(header={"alg": "ES256", "crit": [[]]}, claims={}, signature="")
    @example(header={"alg": []}, claims={}, signature="")
    @example(header="alg", claims={}, signature="")
    @example(header=["alg", "b64"], claims={}, signature="")
    @example(header={"alg": "ES256", "crit": ["b64"], "b64": False}, claims={}, signature="")
    @example(header={"alg": "ES256", "typ": 5}, claims={}, signature="")
    def test_any_header_and_claims_without_a_signature(
        self, header: Any, claims: Any, signature: str, accepting: tuple[OidcAuthenticator, Issuer]
    ) -> None:
        authenticator, issuer = accepting
        refused_as_garbage(authenticator, unsigned(header, claims, signature))
        if isinstance(claims, dict):
            refused_as_garbage(authenticator, unsigned(header, {**claims, "iss": issuer.url}, signature))

    @given(claims=CLAIMS, extra=JSON)
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_any_claims_that_the_issuer_has_signed(
        self, claims: dict[str, Any], extra: Any, accepting: tuple[OidcAuthenticator, Issuer]
    ) -> None:
        authenticator, issuer = accepting
        signed = issuer.token(**{**claims, "iss": None}, extra=extra)
        refused_as_garbage(authenticator, signed)
        for kept in ({"iss": issuer.url}, {"iss": issuer.url, "aud": AUDIENCE, "exp": 2**40, "cnf": None}):
            text = json.dumps({**claims, **kept})
            token = jws.serialize_compact({"alg": "ES256", "kid": "first"}, text, issuer.key, ["ES256"])
            try:
                identity = authenticator.identify(request(f"Bearer {token}"))
            except Problem as problem:
                assert problem.kind == "unauthenticated"
            else:
                assert identity is not None
                assert identity.owner.name == claims["sub"]


def refused_as_garbage(authenticator: OidcAuthenticator, token: str) -> None:
    with pytest.raises(Problem) as caught:
        authenticator.identify(request(f"Bearer {token}"))
    assert caught.value.kind == "unauthenticated"


PROVIDER = """
import json, sys
from oidc_provider_mock import User, run_server_in_thread

with run_server_in_thread(user_claims=[User(sub="alice", claims=json.loads(sys.argv[1]))]) as server:
    print(server.server_port, flush=True)
    sys.stdin.read()
"""


@contextmanager
def provider(**claims: Any) -> Iterator[str]:
    """The URL of a provider that is not ours, with a user alice; a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", PROVIDER, json.dumps(claims)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True) as process:
        try:
            assert process.stdout
            yield f"http://localhost:{int(process.stdout.readline())}"
        finally:
            process.communicate(timeout=PATIENCE)


def sign_in(url: str) -> str:
    """Alice's ID token for the client that is our audience, by the code flow."""
    back = "http://127.0.0.1:1/back"
    query = {"client_id": AUDIENCE, "redirect_uri": back, "response_type": "code", "scope": "openid profile"}
    with httpx.Client(base_url=url, trust_env=False) as http:
        answer = http.post("/oauth2/authorize", params=query, data={"sub": "alice"})
        code = httpx.URL(answer.headers["Location"]).params["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        token: str = http.post("/oauth2/token", data=form, auth=(AUDIENCE, "secret")).json()["id_token"]
    return token


def test_a_provider_of_others_is_understood(clock: Clock) -> None:
    with provider(groups=["reports"]) as url:
        token = sign_in(url)
        claims = ClaimsPolicy(roles="groups", mapping={"reports": frozenset({Role.OPERATOR})})
        policy = OidcPolicy((url,), (AUDIENCE,), claims=claims)
        authenticator = OidcAuthenticator(policy, clock.time, clock.monotonic)

        identity = identify(authenticator, token)

        assert identity.owner == Owner("default", "alice")
        assert identity.roles == {Role.OPERATOR}
        assert identity.credential == f"oidc {url}"
        assert "another audience" in refused(OidcAuthenticator(OidcPolicy((url,), ("other",))), token)
    clock.passed = 2000
    assert identify(authenticator, token)  # while it is down
    clock.passed = 4000
    assert "it has expired" in refused(authenticator, token)


class TestThroughTheApi:
    @pytest.fixture
    def client(self, tmp_path: Path, issuer: Issuer) -> FlaskClient:
        oidc = {"auth": "oidc", "oidc_issuers": issuer.url, "oidc_audience": AUDIENCE}
        return create_app(services_of(tmp_path, **oidc)).test_client()

    @staticmethod
    def ask(client: FlaskClient, token: str) -> TestResponse:
        return client.get("/api/v1/kinds", headers={"Authorization": f"Bearer {token}"})

    def test_a_token_opens_it(self, client: FlaskClient, issuer: Issuer) -> None:
        answer = self.ask(client, issuer.token())

        assert answer.status_code == 200
        assert "private" in answer.headers["Cache-Control"]

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "[" * 5000, "\xff", A_KEY])
    def test_nothing_else_does(self, token: str, client: FlaskClient) -> None:
        answer = self.ask(client, token)

        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")

    def test_while_the_issuer_is_down_it_says_when_to_come_back(
        self, client: FlaskClient, issuer: Issuer
    ) -> None:
        issuer.server.routes.clear()
        answer = self.ask(client, issuer.token())

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0


def test_a_redirect_to_another_host_is_not_followed(make: Make, issuer: Issuer) -> None:
    with serving() as elsewhere:
        issuer.server.routes["GET /keys"] = lambda answered: answered.json(
            {}, 307, Location=f"{elsewhere.url}/keys"
        )

        with pytest.raises(RetryableError):
            identify(make(), issuer.token())
        assert elsewhere.requests == []


def test_while_an_issuer_hangs_requests_hold_one_thread_for_it_and_the_others_are_refused(
    make: Make, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = make()
    begun, answered = threading.Event(), threading.Event()

    def hang(_: str) -> Any:
        begun.set()
        answered.wait(PATIENCE)
        raise IssuerError("It hangs.")

    monkeypatch.setattr("producer_api.access.issuers.fetch", hang)
    token = issuer.token()
    first = in_background(lambda: authenticator.identify(request(f"Bearer {token}")))
    assert begun.wait(PATIENCE)

    for _ in range(3):
        with pytest.raises(RetryableError, match="still being fetched"):
            identify(authenticator, token)

    assert not first.done()
    answered.set()
    assert isinstance(first.exception(PATIENCE), RetryableError)

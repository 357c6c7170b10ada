"""Certificates that a test makes: an authority, and what it has signed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """As PEM: the certificate, and its key without a password."""

    certificate: str
    key: str


class Authority:
    """Signs certificates; each is valid until `valid_for` from now, which may be in the past."""

    def __init__(self, name: str) -> None:
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(
            *(True, False, False, False, False, True, True, False, False)  # signs, also certificates
        )
        certificate = (
            _begun(self._name, self._name, self._key, _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = _pem(certificate)
        """Its own certificate, by which what it has signed is verified."""

    def for_server(self, *hosts: str, valid_for: timedelta = _DAY) -> Certificate:
        """Of a server that is reached by these names and addresses."""
        names = [_host(host) for host in hosts]
        return self._signed(hosts[0], valid_for, x509.SubjectAlternativeName(names))

    def for_client(self, name: str, *, valid_for: timedelta = _DAY) -> Certificate:
        """Of a client that is called so: the subject is `CN=name` and no more, as Strimzi makes it."""
        return self._signed(name, valid_for)

    def _signed(self, name: str, valid_for: timedelta, *extensions: x509.ExtensionType) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        begun = _begun(_named(name), self._name, key, valid_for)
        for extension in extensions:
            begun = begun.add_extension(extension, critical=False)
        signed = begun.sign(self._key, hashes.SHA256())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Certificate(_pem(signed), pem.decode())


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid_for: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _DAY)
        .not_valid_after(now + valid_for)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()

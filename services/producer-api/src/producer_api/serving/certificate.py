"""The API's certificate: from two files, and read again when they change."""

import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from producer_api.policies import TlsPolicy
from waybill.errors import WaybillError

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
"""Between two looks at the files, which are two system calls."""

_Version = tuple[int, int, int]


class WrongCertificate(WaybillError):  # noqa: N818 - the name is the sentence
    """The files cannot be used: the message names the file, and never has a part of it."""


class Certificate:
    """What a server shows of itself. Connections that are open keep what they began with, and new ones get
    what the files have. One thread uses it."""

    def __init__(self, policy: TlsPolicy, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Raises `WrongCertificate`."""
        self._policy = policy
        self._now = now
        self._versions = _versions(policy)
        self._next_look = 0.0
        self._use(*_read(policy))

    def _use(self, chain: Sequence[x509.Certificate], context: ssl.SSLContext) -> None:
        self.context = context
        """For the next connection."""
        self._chain = chain
        self._is_logged = self._is_expired = False

    def refresh(self) -> None:
        """To be called all the time: looks at the files each second, and logs what becomes of them. Files
        that cannot be used leave the certificate before in use."""
        if (now := time.monotonic()) < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        if (versions := _versions(self._policy)) != self._versions:
            self._versions = versions  # those of before the files are read: a change meanwhile is seen next
            try:
                self._use(*_read(self._policy))
            except WrongCertificate as error:
                log.error(  # noqa: TRY400 - a sentence for the operator, who has nothing of a traceback
                    "certificate not replaced: the one before stays in use; correct the files",
                    reason=str(error),
                )
        self._log_changes()

    def _log_changes(self) -> None:
        leaf = self._chain[0]
        if not self._is_logged:
            self._is_logged = True
            log.info(
                "certificate in use",
                file=str(self._policy.certificate),
                names=_names(leaf),
                serial=f"{leaf.serial_number:x}",
                expires=leaf.not_valid_after_utc.isoformat(),
            )
        expired = [one for one in self._chain if one.not_valid_after_utc <= self._now()]
        if expired and not self._is_expired:
            self._is_expired = True
            log.error(
                "certificate expired: clients refuse it; replace the file",
                file=str(self._policy.certificate),
                subject=expired[0].subject.rfc4514_string(),
                names=_names(expired[0]),
                expired=expired[0].not_valid_after_utc.isoformat(),
            )


def _versions(policy: TlsPolicy) -> tuple[_Version | None, _Version | None]:
    """Of certificate and key. Kubernetes changes both at once, by a symbolic link."""
    return _version(policy.certificate), _version(policy.key)


def _version(file: Path) -> _Version | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(policy: TlsPolicy) -> tuple[Sequence[x509.Certificate], ssl.SSLContext]:
    """The chain, the server's own certificate first. Raises `WrongCertificate`."""
    chain = _chain(policy.certificate)
    _check_key(policy, chain[0])
    return chain, _context(policy)


def _chain(file: Path) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_content(file))
    except ValueError:
        raise WrongCertificate(f"{file}: holds no certificate that can be read, in PEM form.") from None


def _check_key(policy: TlsPolicy, leaf: x509.Certificate) -> None:
    try:
        key = load_pem_private_key(_content(policy.key), password=None)
    except TypeError:
        raise WrongCertificate(f"{policy.key}: the key has a passphrase; store it without one.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise WrongCertificate(f"{policy.key}: holds no private key that can be read, in PEM form.") from None
    if key.public_key() != leaf.public_key():
        raise WrongCertificate(
            f"{policy.key}: the key does not fit the first certificate in {policy.certificate}."
        )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WrongCertificate(f"{file}: cannot be read: {error.strerror or error}.") from None


def _context(policy: TlsPolicy) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0  # a request is held until what was sent before is acknowledged
    try:
        context.load_cert_chain(policy.certificate, policy.key, _no_passphrase)
    except (OSError, ValueError) as error:  # OSError is SSLError too
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it cannot be read"
        raise WrongCertificate(f"{policy.certificate}: OpenSSL does not take it: {reason}.") from None
    return context


def _no_passphrase() -> NoReturn:
    """OpenSSL would ask on the terminal."""
    raise ValueError("the key has a passphrase")


def _names(certificate: x509.Certificate) -> list[str]:
    """Under which a client accepts it."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in extension.value]

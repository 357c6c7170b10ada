"""Certificates of authorities that a test makes, in files as the parts of a system read them."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509

HOST = "localhost"


@dataclass(frozen=True)
class Files:
    """A certificate and its key."""

    certificate: Path
    key: Path

    def shown(self) -> ssl.SSLContext:
        """What a server uses that shows it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context

    @property
    def serial(self) -> int:
        return serial_of(ssl.PEM_cert_to_DER_cert(self.certificate.read_text()))


class Authority:
    """Issues certificates into a folder. Each of them is another one, also for the same names."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._ca = trustme.CA(organization_name=name)
        self.file = folder / f"{name}.pem"
        """Who trusts it trusts what it has issued."""
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, file: str, *names: str, **options: Any) -> Files:
        """For `names`, else for this machine. `options` as trustme has them; certificate and key replace
        those of the same `file`."""
        leaf = self._ca.issue_cert(*(names or (HOST, "127.0.0.1")), **options)
        files = Files(self._folder / f"{file}.pem", self._folder / f"{file}.key")
        files.key.touch(mode=0o600)
        leaf.private_key_pem.write_to_path(str(files.key))
        files.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        return files

    def trusted(self) -> ssl.SSLContext:
        """What a client uses that trusts this authority alone."""
        return ssl.create_default_context(cafile=self.file)


def serial_of(certificate: bytes | None) -> int:
    """Of a certificate as `getpeercert(binary_form=True)` gives it."""
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number

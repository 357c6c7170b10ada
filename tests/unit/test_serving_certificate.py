"""The API's certificate: what is said about files that cannot be used, and when they are read again."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from producer_api.policies import TlsPolicy
from producer_api.serving import Certificate, WrongCertificate
from producer_api.serving import certificate as module
from tests.support.certificate_files import Authority, Files

Change = Callable[[Authority, Files], Any]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def files(authority: Authority) -> Files:
    return authority.issue("server", "reports.example.com")


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)


def policy(files: Files) -> TlsPolicy:
    return TlsPolicy(files.certificate, files.key)


def with_passphrase(_: Authority, files: Files) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


def a_folder(_: Authority, files: Files) -> None:
    files.key.unlink()
    files.key.mkdir()


WRONG: dict[str, tuple[Change, str]] = {
    "no certificate": (
        lambda _, files: files.certificate.unlink(),
        "server.pem: cannot be read: No such file",
    ),
    "no key": (lambda _, files: files.key.unlink(), "server.key: cannot be read: No such file"),
    "a folder": (
        a_folder,
        "server.key: cannot be read: Is a directory",
    ),
    "an empty certificate": (
        lambda _, files: files.certificate.write_text(""),
        "server.pem: holds no certificate that can be read, in PEM form",
    ),
    "the key as the certificate": (
        lambda _, files: files.certificate.write_bytes(files.key.read_bytes()),
        "server.pem: holds no certificate that can be read",
    ),
    "the certificate as the key": (
        lambda _, files: files.key.write_bytes(files.certificate.read_bytes()),
        "server.key: holds no private key that can be read, in PEM form",
    ),
    "a passphrase": (with_passphrase, "server.key: the key has a passphrase; store it without one"),
    "another key": (
        lambda authority, files: authority.issue("other").key.replace(files.key),
        "server.key: the key does not fit the first certificate in .*server.pem",
    ),
    "the authority's certificate first": (
        lambda authority, files: files.certificate.write_bytes(
            authority.file.read_bytes() + files.certificate.read_bytes()
        ),
        "server.key: the key does not fit the first certificate in .*server.pem",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_named_with_what_is_wrong(
    change: Change, sentence: str, authority: Authority, files: Files
) -> None:
    change(authority, files)

    with pytest.raises(WrongCertificate, match=sentence) as caught:
        Certificate(policy(files))

    assert "PRIVATE" not in str(caught.value)


@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG)
def test_files_that_become_wrong_leave_the_one_before_in_use_until_they_are_right(
    change: Change, sentence: str, authority: Authority, files: Files
) -> None:
    certificate = Certificate(policy(files))
    certificate.refresh()
    context = certificate.context

    change(authority, files)
    with capture_logs() as lines:
        for _ in range(3):
            certificate.refresh()

    (line,) = lines
    assert line["event"].startswith("certificate not replaced: the one before stays in use")
    assert re.search(sentence, line["reason"])
    assert certificate.context is context

    if files.key.is_dir():
        files.key.rmdir()
    authority.issue("server")
    certificate.refresh()

    assert certificate.context is not context


def test_certificate_and_key_may_be_one_file(files: Files) -> None:
    files.certificate.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())

    assert Certificate(TlsPolicy(files.certificate, files.certificate)).context


def test_files_that_stay_are_not_read_again(files: Files) -> None:
    certificate = Certificate(policy(files))
    context = certificate.context

    with capture_logs() as lines:
        for _ in range(3):
            certificate.refresh()

    assert certificate.context is context
    assert [line["event"] for line in lines] == ["certificate in use"]
    assert lines[0]["names"] == ["reports.example.com"]


def test_a_symbolic_link_that_changes_replaces_both_as_kubernetes_does(
    authority: Authority, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        issued = authority.issue(f"{name}/tls")
    link = tmp_path / "..data"
    link.symlink_to("one")
    certificate = Certificate(TlsPolicy(link / "tls.pem", link / "tls.key"))
    certificate.refresh()

    (tmp_path / "..data_tmp").symlink_to("two")
    (tmp_path / "..data_tmp").replace(link)
    with capture_logs() as lines:
        certificate.refresh()

    assert [(line["event"], line["serial"]) for line in lines] == [
        ("certificate in use", f"{issued.serial:x}")
    ]


def test_the_same_content_at_another_time_is_no_harm(files: Files) -> None:
    certificate = Certificate(policy(files))
    certificate.refresh()
    os.utime(files.certificate, (1, 1))

    with capture_logs() as lines:
        certificate.refresh()

    assert [line["log_level"] for line in lines] == ["info"]


class TestExpiry:
    NOW = datetime(2026, 11, 27, tzinfo=UTC)

    def test_one_that_has_expired_is_named_once_and_stays_in_use(self, authority: Authority) -> None:
        yesterday = self.NOW - timedelta(days=1)
        expired = authority.issue(
            "expired", "old.example.com", not_before=yesterday - timedelta(days=9), not_after=yesterday
        )
        certificate = Certificate(policy(expired), lambda: self.NOW)

        with capture_logs() as lines:
            for _ in range(3):
                certificate.refresh()

        (line,) = [line for line in lines if line["log_level"] == "error"]
        assert line["event"] == "certificate expired: clients refuse it; replace the file"
        assert line["names"] == ["old.example.com"]
        assert line["expired"] == yesterday.isoformat()
        assert line["file"] == str(expired.certificate)

    def test_one_that_expires_meanwhile_is_named_and_its_successor_is_not(self, authority: Authority) -> None:
        now = self.NOW
        certificate = Certificate(
            policy(authority.issue("server", not_after=now + timedelta(days=1))), lambda: now
        )
        with capture_logs() as before:
            certificate.refresh()
        now += timedelta(days=2)
        with capture_logs() as after:
            certificate.refresh()
        authority.issue("server", not_after=now + timedelta(days=1))
        with capture_logs() as replaced:
            certificate.refresh()

        assert [line["log_level"] for line in (*before, *after, *replaced)] == ["info", "error", "info"]

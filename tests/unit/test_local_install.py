"""What set-up reads from the programs it finds, and from pip's configuration."""

from pathlib import Path

import pytest

from local.install import jaeger, java, kafka, postgres, python


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_the_version_of_java(text: str, major: int | None) -> None:
    assert java.major_version(text) == major


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", 15),
        ("postgres (PostgreSQL) 18.6", 18),
        ("", None),
    ],
)
def test_the_version_of_postgresql(text: str, major: int | None) -> None:
    assert postgres.major_version(text) == major


@pytest.mark.parametrize(
    ("printed", "usable"),
    [
        ('{"gitCommit":"","gitVersion":"v2.13.0","buildDate":""}', True),
        ('{"gitCommit":"","gitVersion":"v1.76.0","buildDate":""}', False),
        ("[]", False),
        ("something else that is called jaeger", False),
    ],
)
def test_only_the_second_jaeger_is_used(printed: str, usable: bool) -> None:
    assert jaeger.is_second(printed) is usable


def test_a_version_is_read_from_the_file_that_pins_it(tmp_path: Path) -> None:
    requirements = tmp_path / "uv.txt"
    requirements.write_text("# a comment\nuv==0.13.9 \\\n    --hash=sha256:00\n")

    assert python.pinned_version(requirements) == "0.13.9"
    assert kafka.version() in kafka.libraries().name


def test_uv_looks_for_packages_where_pip_does(tmp_path: Path) -> None:
    settings = python.uv_settings(
        ":env:.index-url='https://mirror.example/simple'\n"
        f"global.find-links='{tmp_path}\\n/is/not/there'\n"
        "global.index-url='https://other.example/simple'\n"
        "global.timeout='60'\n"
        "global.cert='/etc/ssl/ours.crt'\n"
    )

    assert settings == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_FIND_LINKS": str(tmp_path),
        "SSL_CERT_FILE": "/etc/ssl/ours.crt",
    }


def test_uv_is_told_nothing_where_pip_is_not() -> None:
    assert python.uv_settings("") == {}

"""The file of sources: what it may say, where its faults are, and that no secret is in any of its errors."""

from pathlib import Path

import pytest

from report_worker.query.sources import (
    FilesSource,
    HttpSource,
    PostgresqlSource,
    WrongSource,
    read_sources,
    secret_value,
)
from waybill.definitions import WrongDefinition

GOOD = """
sources:
  warehouse:
    type: postgresql
    url_file: FOLDER/url
    statement_timeout: 5m
    max_rows: 200000
  other: {type: postgresql, url_env: OTHER_URL}
  exports: {type: files, url: "file:///data/exports", memory: 512MiB, threads: 4}
  bucket:
    type: files
    url: s3://bucket/prefix
    options: {access_key_id: AKIA, secret_access_key: {env: BUCKET_SECRET}, region: eu-central-1}
  rates:
    type: http
    url: https://rates.internal/v1
    headers: {Authorization: {file: FOLDER/token}, X-Team: reports}
    private_networks: [10.0.0.0/8]
results: {memory: 1GiB, threads: 1, temp: 2GiB}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "url").write_text("postgresql://reader:s3cret@db/warehouse\n")
    (tmp_path / "token").write_text("Bearer s3cret\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "sources.yaml"
    file.write_text(text.replace("FOLDER", str(folder)))
    return file


def test_each_source_is_read(folder: Path) -> None:
    found = read_sources(written(folder, GOOD))
    warehouse, exports, rates = found["warehouse"], found["exports"], found["rates"]
    assert isinstance(warehouse, PostgresqlSource)
    assert isinstance(exports, FilesSource)
    assert isinstance(rates, HttpSource)
    assert warehouse.address({}) == "postgresql://reader:s3cret@db/warehouse"
    assert exports.folder == Path("/data/exports")
    assert (exports.memory, exports.threads, found.results.memory) == (512 * 2**20, 4, 2**30)
    assert secret_value(rates.headers["Authorization"], {}) == "Bearer s3cret"
    assert secret_value(rates.headers["X-Team"], {}) == "reports"


def test_without_a_file_there_are_none() -> None:
    with pytest.raises(WrongSource, match="There is no source 'x'; there are: none"):
        read_sources(None)["x"]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("sources:\n  a: {type: mysql, url_env: X}", "2:6", "only PostgreSQL, files and HTTP services"),
        ("sources:\n  a: {type: postgresql}", "2:6", "either url_file or url_env"),
        ("sources:\n  a:\n    type: postgresql\n    url: x", "4:5", "no key 'url' here"),
        ("sources:\n  a: {type: postgresql, url_env: X, max_rows: many}", "2:47", "max_rows"),
        ("sources:\n  a: {type: files, url: /data}", "2:6", "a url such as file:///data/exports"),
        ("sources:\n  a: {type: files, url: 'file:///d', memory: 12}", "2:46", "256MiB"),
        ("sources:\n  a: {type: files, url: 'file:///d', threads: 0}", "2:47", "threads"),
        ("sources:\n  a: {type: http, url: 'https://u:s3cret@h/'}", "2:6", "without user"),
        ("sources:\n  a: {type: http, url: 'ftp://h/'}", "2:6", "a url such as https"),
        ("sources:\n  a: {type: http, url: 'https://h/?token=s3cret'}", "2:6", "without user"),
        ("sources:\n  a: {type: http, url: 'https://h/', private_networks: [0.0.0.0/0]}", "2:6", "wider"),
        ("sources:\n  a: {type: http, url: 'https://h/', headers: {'a b': x}}", "2:6", "no header's name"),
        (
            "sources:\n  a: {type: http, url: 'https://h/', headers: {X: {fil: s3cret}}}",
            "2:51",
            "file or env",
        ),
        ("sources:\n  results: {type: files, url: 'file:///d'}", "1:1", "is the name of the steps' results"),
        ("- a", "1:1", "must be a mapping"),
        ("sources: {a: {type: files, url: 'file:///d'}, a: {}}", "1:47", "second time"),
    ],
)
def test_a_fault_has_its_place(folder: Path, text: str, place: str, reason: str) -> None:
    with pytest.raises(WrongDefinition) as wrong:
        read_sources(written(folder, text))
    assert f"sources.yaml:{place}: " in str(wrong.value)
    assert reason in str(wrong.value)
    assert "s3cret" not in str(wrong.value)


def test_what_cannot_be_read(folder: Path) -> None:
    with pytest.raises(WrongSource, match="No such file"):
        read_sources(folder / "none.yaml")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WrongSource, match="no UTF-8"):
        read_sources(folder / "binary.yaml")


@pytest.mark.parametrize("url", ["mysql://u:s3cret@h/d", "sqlite:///s3cret", "oracle+oracledb://u:s3cret@h"])
def test_other_databases_are_refused(url: str) -> None:
    source = PostgresqlSource(type="postgresql", url_env="X")
    with pytest.raises(WrongSource, match="only PostgreSQL, files and HTTP services") as wrong:
        source.address({"X": url})
    assert "s3cret" not in str(wrong.value)


def test_a_secret_that_is_not_there(folder: Path) -> None:
    with pytest.raises(WrongSource, match=r"X is not set.*WAYBILL_SLOT_ENVIRONMENT"):
        PostgresqlSource(type="postgresql", url_env="X").address({})
    with pytest.raises(WrongSource, match="cannot read the file"):
        PostgresqlSource(type="postgresql", url_file=str(folder / "none")).address({})

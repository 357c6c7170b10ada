"""Files of a bucket: those that a step names are copied, and DuckDB reads the copies."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import obstore
import pyarrow.parquet as pq
import pytest
from obstore.store import S3Store

from report_worker.query.buckets import copy_files
from report_worker.query.deadline import Deadline
from report_worker.query.running import Steps
from report_worker.query.sources import FilesSource, Sources
from tests.support.s3 import REGION, S3
from waybill.definitions import SqlStep
from waybill.errors import PermanentError, RetryableError

MINUTE = timedelta(minutes=1)


@pytest.fixture
def source(s3: S3) -> FilesSource:
    """A bucket of the test alone."""
    bucket = s3.bucket()
    options = {
        "access_key_id": "AKIA",
        "secret_access_key": {"env": "BUCKET_SECRET"},
        "endpoint": s3.url,
        "region": REGION,
    }
    found = FilesSource.model_validate(
        {
            "type": "files",
            "url": f"s3://{bucket}/daily",
            "options": options,
            "max_bytes": "1MiB",
            "allow_http": True,
        }
    )
    store = S3Store(
        bucket,
        config={"access_key_id": "x", "secret_access_key": "y", "endpoint": s3.url, "region": REGION},
        client_options={"allow_http": True},
    )
    for key, text in {
        "daily/2026/1.csv": "day,flights\n1,10\n",
        "daily/2026/2.csv": "day,flights\n2,20\n",
        "daily/2025/1.csv": "day,flights\n1,5\n",
        "daily/notes.txt": "x",
        "daily/large.csv": "x" * 2**20,
        "other/2026/3.csv": "day,flights\n3,30\n",
    }.items():
        obstore.put(store, key, text.encode())
    return found


ENVIRONMENT = {"BUCKET_SECRET": "s3cret"}


def copied(source: FilesSource, folder: Path, *patterns: str) -> set[str]:
    copy_files(source, patterns, folder, ENVIRONMENT, Deadline(MINUTE))
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


def test_what_matches_is_copied(source: FilesSource, tmp_path: Path) -> None:
    assert copied(source, tmp_path, "2026/*.csv", "2026/1.*", "notes.txt") == {
        *("2026/1.csv", "2026/2.csv", "notes.txt")
    }


def test_a_step_reads_the_copies(source: FilesSource, tmp_path: Path) -> None:
    steps = Steps(Sources(sources={"exports": source}), ENVIRONMENT, uuid4(), tmp_path, {"least": 15})
    sql = "select day, flights from '2026/*.csv' where flights > :least"
    step = SqlStep(name="flights", source="exports", sql=sql, files=["2026/*.csv"])
    assert steps.run(step, {}) == 1
    assert pq.read_table(steps.result_file("flights")).to_pylist() == [{"day": 2, "flights": 20}]


def test_what_is_too_large_is_not_copied(source: FilesSource, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="more than 1 MiB"):
        copied(source, tmp_path, "**/*.csv")


@pytest.mark.parametrize(
    ("patterns", "reason"),
    [((), "name those that the step reads"), (("2027/*.csv",), "no file of the bucket matches")],
)
def test_without_files(source: FilesSource, tmp_path: Path, patterns: tuple[str, ...], reason: str) -> None:
    with pytest.raises(PermanentError, match=reason):
        copied(source, tmp_path, *patterns)


def test_a_bucket_that_does_not_answer(source: FilesSource, tmp_path: Path) -> None:
    gone = source.model_copy(update={"options": {**source.options, "endpoint": "http://127.0.0.1:9"}})
    with pytest.raises(RetryableError, match="The bucket cannot be read"):
        copied(gone, tmp_path, "*.csv")

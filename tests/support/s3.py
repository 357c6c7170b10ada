"""An S3 on loopback: moto's server, in an environment and a process of its own.

It checks neither the signature nor the time of a signed address. moto needs some packages in other versions
than those of the tests.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from local.ports import Ports
from local.supply.tools import MOTO
from tests.support.waiting import PATIENCE, eventually

REGION = "eu-west-1"
_LIBRARIES = ("AWS_", "AZURE_", "GOOGLE_")
_PLACE = "<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
_PRESIGN = """
import sys
from datetime import datetime
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
import botocore.auth

method, address, key, secret, region, at, seconds = sys.argv[1:]
moment = datetime.strptime(at, "%Y%m%dT%H%M%SZ")
botocore.auth.get_current_datetime = lambda: moment
request = AWSRequest(method=method, url=address)
S3SigV4QueryAuth(Credentials(key, secret), "s3", region, expires=int(seconds)).add_auth(request)
print(request.url)
"""


@dataclass
class S3:
    """`url`: the endpoint."""

    url: str
    process: "subprocess.Popen[bytes]"

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """By which object stores find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "waybill",
            "AWS_SECRET_ACCESS_KEY": "the-secret-of-the-store",
            "AWS_REGION": REGION,
        }

    def bucket(self) -> str:
        """The name of a new one."""
        name = f"reports-{uuid4().hex[:8]}"
        made = httpx.put(f"{self.url}/{name}", content=_PLACE.format(REGION), trust_env=False)
        assert made.is_success, made.text
        return name

    def signed(self, method: str, address: str, at: str, seconds: int) -> str:
        """An address as Amazon's own library signs it at that time."""
        key, secret = (self.environment[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        done = subprocess.run(
            [sys.executable, "-c", _PRESIGN, method, address, key, secret, REGION, at, str(seconds)],
            env={"PYTHONPATH": str(MOTO.install())},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout.strip()


def forget_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the machine that runs the tests."""
    for name in [name for name in os.environ if name.startswith(_LIBRARIES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@contextmanager
def s3_server(log: Path) -> Iterator[S3]:
    """It runs until the block ends."""
    ports = Ports.free()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(ports["s3"])]
    url = f"http://127.0.0.1:{ports['s3']}"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(MOTO.install())}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            eventually(lambda: _answers(url), "the S3 answers")
            yield S3(url, process)
        finally:
            process.kill()
            ports.release()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False

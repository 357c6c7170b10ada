"""The API's gunicorn worker with a small application, and without the parts that the API needs."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from producer_api.policies import ArrivalPolicy, TlsPolicy
from producer_api.serving import Certificate, edge_worker
from tests.support.certificate_files import HOST, Files
from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

THREADS = 2

Patient = edge_worker(ArrivalPolicy(write=timedelta(seconds=10 * PATIENCE)))
"""Waits for longer than any test for a client that does not read."""
Prefixed = edge_worker(ArrivalPolicy(), "/waybill")
Impatient = edge_worker(ArrivalPolicy(write=timedelta(seconds=0.1), head=timedelta(seconds=0.5)))


class Secure(Patient):  # type: ignore[misc,valid-type] # it is made by a function
    """Over TLS, with the files that gunicorn is given."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.certificate = Certificate(TlsPolicy(Path(self.cfg.certfile), Path(self.cfg.keyfile)))


class ImpatientSecure(Secure):
    policy = ArrivalPolicy(write=timedelta(seconds=0.1), head=timedelta(seconds=2))


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers `/n` with n bytes, and says by which scheme it was called."""
    size = int(environ["PATH_INFO"].removeprefix("/"))
    start_response("200 OK", [("Content-Length", str(size)), ("X-Scheme", environ["wsgi.url_scheme"])])
    return [b"x" * size]


@contextmanager
def serving(worker: str, files: Files | None = None) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """One process with the worker class of this module that is called so: its URL, and its arbiter. `files`:
    for the secure ones."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [
            *(sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--no-control-socket"),
            *("--worker-class", f"{__name__}.{worker}", "--threads", str(THREADS), "--log-level", "warning"),
            *("--graceful-timeout", str(int(10 * PATIENCE))),
            *(("--certfile", str(files.certificate), "--keyfile", str(files.key)) if files else ()),
            f"{__name__}:app",
        ]
        arbiter = subprocess.Popen(command, cwd=Path(__file__).parents[2], pass_fds=[listener.fileno()])
        try:
            scheme, host = ("https", HOST) if files else ("http", "127.0.0.1")
            yield f"{scheme}://{host}:{listener.getsockname()[1]}", arbiter
        finally:
            arbiter.send_signal(signal.SIGQUIT)  # at once
            try:
                arbiter.wait(PATIENCE)
            finally:
                arbiter.kill()
                arbiter.wait()

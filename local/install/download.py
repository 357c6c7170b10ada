"""A file from a web server that may be out of reach, slow, or hang."""

import hashlib
import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

ANSWER_SECONDS = 3.0
"""How long a server may take until it answers, redirections and the look-up of its name included."""
_STALL_SECONDS = 10.0
"""How long the download may stand still."""
_WHOLE_SECONDS = 300.0
_CHUNK = 256 * 1024


class DownloadFailedError(Exception):
    """The text says why, in words that follow the name of what was to be downloaded."""


def download(
    url: str, target: Path, progress: Callable[[int, int | None], None] = lambda _done, _total: None
) -> str:
    """Writes the file at `url` to `target` and returns its SHA-256.

    `progress` gets the bytes so far and, where the server says so, of the whole. Raises DownloadFailedError
    after `ANSWER_SECONDS` without an answer.
    """
    answer = _open(url)
    total = int(answer.headers.get("Content-Length") or 0) or None
    checksum = hashlib.sha256()
    done = 0
    deadline = time.monotonic() + _WHOLE_SECONDS
    try:
        with answer, target.open("wb") as file:
            while chunk := answer.read1(_CHUNK):
                file.write(chunk)
                checksum.update(chunk)
                done += len(chunk)
                progress(done, total)
                if time.monotonic() > deadline:
                    raise DownloadFailedError(f"was slower than {_WHOLE_SECONDS:g} s")
    except TimeoutError:
        raise DownloadFailedError(f"stood still for {_STALL_SECONDS:g} s after {done} bytes") from None
    except (OSError, http.client.HTTPException) as error:
        raise DownloadFailedError(f"broke off after {done} bytes: {error}") from error
    if total is not None and done != total:
        raise DownloadFailedError(f"broke off after {done} of {total} bytes")
    return checksum.hexdigest()


class _Answer(threading.Thread):
    """Opens a URL in a thread: nothing else bounds the time that looking up a name takes."""

    def __init__(self, url: str) -> None:
        super().__init__(name="download", daemon=True)
        self.url = url
        self.result: SimpleQueue[http.client.HTTPResponse | Exception] = SimpleQueue()

    def run(self) -> None:
        try:
            # The time limit is also that of every later read.
            self.result.put(urllib.request.urlopen(self.url, timeout=_STALL_SECONDS))
        except Exception as error:
            self.result.put(error)


def _open(url: str) -> http.client.HTTPResponse:
    opening = _Answer(url)
    opening.start()
    try:
        result = opening.result.get(timeout=ANSWER_SECONDS)
    except Empty:
        raise DownloadFailedError(f"was not answered within {ANSWER_SECONDS:g} s") from None
    if isinstance(result, urllib.error.HTTPError):
        raise DownloadFailedError(f"was answered with {result.code}") from result
    if isinstance(result, Exception):
        reason = result.reason if isinstance(result, urllib.error.URLError) else result
        reason = getattr(reason, "strerror", None) or reason
        raise DownloadFailedError(f"cannot be reached: {reason}") from result
    return result

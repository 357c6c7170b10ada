"""Sends what waits in the store to the collector, in the order in which it came."""

import http.client
import threading
import urllib.error
import urllib.request

from local.trace_buffer.store import Store, StoredRequest

_PAUSE_SECONDS = 0.25
"""Between two tries while the collector does not answer, or is busy."""
_TIMEOUT_SECONDS = 10.0
_BUSY = frozenset({408, 429, 502, 503, 504})
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


class Forwarder:
    """A thread that forwards until `stop`, as soon as the collector answers.

    A request leaves the store when the collector has taken it, so that none is lost. It may be sent twice,
    when the collector's answer was lost or this process was killed before it; Jaeger answers each span once.
    """

    def __init__(self, store: Store, url: str) -> None:
        """`url` is the base of the collector's OTLP over HTTP."""
        self._store = store
        self._url = url.rstrip("/")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarder")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Blocks until a request that is under way has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            request = self._store.oldest()
            if request is not None and self._send(request):
                self._store.remove(request)
            else:
                self._stopping.wait(_PAUSE_SECONDS)

    def _send(self, stored: StoredRequest) -> bool:
        """Whether the request is done with: taken, or refused for what it is."""
        request = urllib.request.Request(
            f"{self._url}{stored.path}", data=stored.body, headers=dict(stored.headers), method="POST"
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            if error.code in _BUSY:
                return False
            print(f"request {stored.id} ({stored.path}) was refused by the collector: {error}", flush=True)
        except (OSError, http.client.HTTPException):
            return False
        return True

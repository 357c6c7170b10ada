"""The probes `/healthz` and `/readyz`, from a listener of their own.

It answers whatever clients do, and however busy the service is: it has one thread, a limited number of
connections, and a deadline for each.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog

from waybill.bare_http import bare_response

log = structlog.get_logger(__name__)

OK = "ok"


@dataclass(frozen=True)
class Health:
    """`parts`: each part by name, `ok` or what is wrong with it. Without those in `optional` the process
    does its work all the same, degraded."""

    parts: Mapping[str, str]
    optional: frozenset[str] = frozenset()

    @property
    def missing(self) -> list[str]:
        return [name for name, state in self.parts.items() if state != OK]

    @property
    def usable(self) -> bool:
        return set(self.missing) <= self.optional

    @property
    def http_status(self) -> int:
        return HTTPStatus.OK if self.usable else HTTPStatus.SERVICE_UNAVAILABLE

    def document(self) -> dict[str, Any]:
        """What a probe answers."""
        missing = self.missing
        status = "unavailable" if not self.usable else "degraded" if missing else OK
        return {"status": status, "missing": missing, "parts": dict(self.parts)}


Check = Callable[[], Health]
"""May block for a few seconds; is never called while it runs."""


@dataclass(frozen=True)
class ProbePolicy:
    """`request`: for a client to send its request, and again to read the answer. At `max_connections` the
    oldest is closed for a new one."""

    request: timedelta = timedelta(seconds=5)
    max_connections: int = 64
    max_request_bytes: int = 4096


class HealthServer:
    """`/healthz`: the parts without which the process should be restarted; `/readyz`: all it needs.

    `listener` may be shared with other processes, whichever of them then answers.
    """

    def __init__(
        self, listener: socket.socket, alive: Check, ready: Check, policy: ProbePolicy | None = None
    ) -> None:
        self._listener = listener
        self._checks = {"/healthz": alive, "/readyz": ready}
        self._policy = policy or ProbePolicy()
        self._running: dict[str, asyncio.Future[Health]] = {}
        self._open: dict[asyncio.StreamWriter, None] = {}
        self._pool = ThreadPoolExecutor(len(self._checks), thread_name_prefix="probe")
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    @property
    def connections(self) -> int:
        """The number of open ones."""
        return len(self._open)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port, *_ = self._listener.getsockname()
        return host, port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Closes the listener and every connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(5)
        self._pool.shutdown(wait=False)
        self._listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._answer, sock=self._listener, limit=self._policy.max_request_bytes
        )
        async with server:
            await self._stopping.wait()
        for writer in list(self._open):
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= self._policy.max_connections:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        self._open[writer] = None
        try:
            async with asyncio.timeout(self._policy.request.total_seconds()):
                request = await reader.readuntil(b"\r\n\r\n")
            response = await self._response(request)
            async with asyncio.timeout(self._policy.request.total_seconds()):
                writer.write(response)
                await writer.drain()
                writer.write_eof()
                await reader.read(1)  # the client's end, so that it gets the whole answer
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
            pass  # too slow, too much, or gone: there is no client to answer
        finally:
            self._open.pop(writer, None)
            with suppress(Exception):
                writer.transport.abort()

    async def _response(self, request: bytes) -> bytes:
        method, _, rest = request.partition(b"\r\n")[0].partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1")
        if path not in self._checks:
            return _http(HTTPStatus.NOT_FOUND)
        if method not in (b"GET", b"HEAD"):
            return _http(HTTPStatus.METHOD_NOT_ALLOWED)
        health = await self._checked(path)
        return _http(HTTPStatus(health.http_status), health.document(), with_body=method == b"GET")

    async def _checked(self, path: str) -> Health:
        """Those who ask at once share one check."""
        running = self._running.get(path)
        if running is None or running.done():
            running = self._loop.run_in_executor(self._pool, self._checks[path])
            self._running[path] = running
        try:
            return await asyncio.shield(running)
        except Exception:
            log.exception("probe failed: answered 503", path=path)
            return Health({"probe": "failed: the reason is in the log"})


def _http(status: HTTPStatus, document: Mapping[str, Any] | None = None, *, with_body: bool = True) -> bytes:
    body = json.dumps(document or {"status": status.phrase}).encode()
    return bare_response(status, "application/json", body, with_body=with_body)

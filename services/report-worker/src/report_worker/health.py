"""The worker's probes, over HTTP."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Checks = Callable[[], dict[str, str]]
"""Each part by name: `ok`, or what is wrong with it."""


class HealthServer:
    """`/healthz`: the parts without which the process should be restarted; `/readyz`: all it needs."""

    def __init__(self, listen: str, alive: Checks, ready: Checks) -> None:
        host, _, port = listen.rpartition(":")
        handler = _handler({"/healthz": alive, "/readyz": ready})
        self._server = ThreadingHTTPServer((host, int(port)), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(checks: dict[str, Checks]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            check = checks.get(self.path)
            if check is None:
                self.send_error(404)
                return
            parts = check()
            missing = [name for name, state in parts.items() if state != "ok"]
            body = json.dumps(
                {"status": "unavailable" if missing else "ok", "missing": missing, "parts": parts}
            ).encode()
            self.send_response(503 if missing else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes are not worth a line."""

    return Handler

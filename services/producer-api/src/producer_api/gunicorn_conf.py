"""gunicorn's configuration: the settings, and the lifecycle of a worker process."""

import logging
import signal
from types import FrameType
from typing import Any

from producer_api.settings import ApiSettings
from waybill.logs import configure_logs
from waybill.settings import load

_settings = load(ApiSettings)

wsgi_app = "producer_api.wsgi:app"
bind = _settings.listen
worker_class = "gthread"
workers = _settings.http_workers
threads = _settings.http_threads
worker_connections = 4 * _settings.http_threads
graceful_timeout = int(_settings.drain_seconds)
keepalive = 15
limit_request_line = 8190
control_socket_disable = True


def on_starting(_server: Any) -> None:
    configure_logs("producer-api", _settings.log_format, _settings.log_level)
    for name in ("gunicorn.error", "gunicorn.access"):  # through the root logger, for the same format as ours
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def post_worker_init(_worker: Any) -> None:
    """After the fork, with the application loaded: starts its threads, and ends its streams on SIGTERM."""
    from producer_api.wsgi import services

    services.start()
    begin_shutdown = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        services.drain()
        if callable(begin_shutdown):
            begin_shutdown(number, frame)

    signal.signal(signal.SIGTERM, drain)


def worker_exit(_server: Any, _worker: Any) -> None:
    from producer_api.wsgi import services
    from waybill.telemetry import flush

    services.stop()
    flush()

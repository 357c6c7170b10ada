"""gunicorn's configuration: the settings, and the lifecycle of a worker process."""

import gc
import logging
import signal
import socket
import sys
from types import FrameType
from typing import Any

import structlog

from producer_api.serving import Certificate, WrongCertificate, edge_worker
from producer_api.settings import ApiSettings, Auth
from waybill.addresses import CannotListen, listen
from waybill.health import HealthServer
from waybill.logs import configure_logs
from waybill.prctl import hide_from_own_user
from waybill.settings import load

log = structlog.get_logger(__name__)

_settings = load(ApiSettings)
_health_listener: socket.socket
_health_server: HealthServer | None = None


def _certificate() -> Certificate | None:
    if _settings.tls is None:
        return None
    try:
        return Certificate(_settings.tls)
    except WrongCertificate as error:
        sys.exit(f"producer-api: WAYBILL_TLS_CERTIFICATE_FILE, WAYBILL_TLS_KEY_FILE: {error}")


wsgi_app = "producer_api.wsgi:app"
bind = _settings.listen
worker_class = edge_worker(_settings.arrival, _settings.path_prefix, _certificate())
workers = _settings.http_workers
threads = _settings.http_threads
worker_connections = 4 * _settings.http_threads
graceful_timeout = int(_settings.drain_seconds)
keepalive = 15
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 100
control_socket_disable = True
# By these gunicorn knows that requests come by https://; the worker class reads them.
certfile = _settings.tls_certificate_file or None
keyfile = _settings.tls_key_file or None
# Nothing that a client says about where it comes from; the application has the proxies that are trusted.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


def on_starting(_server: Any) -> None:
    """In the arbiter: every worker process inherits the probes' listener, and whichever is free answers."""
    global _health_listener
    hide_from_own_user()  # jobs may run as the same user; worker processes inherit it
    configure_logs("producer-api", _settings.log_format, _settings.log_level)
    for name in ("gunicorn.error", "gunicorn.access"):  # through the root logger, for the same format as ours
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    if _settings.accepted == {Auth.NONE} and not _settings.listens_on_loopback:
        log.warning(
            "no credential is needed: every client that reaches this API may do everything; set WAYBILL_AUTH",
            listen=_settings.listen,
        )
    try:
        _health_listener = listen(_settings.health_listen)
    except CannotListen as error:
        sys.exit(f"producer-api: WAYBILL_HEALTH_LISTEN: {error}")
    _import_for_all()


def _import_for_all() -> None:
    """In the arbiter: worker processes share the memory of what is imported before they are forked. Only
    modules: clients, connections and threads are made after the fork."""
    import producer_api.app
    import producer_api.services  # noqa: F401

    gc.collect()
    gc.freeze()  # else the collector would write to every object, and so copy its page, in each process


def post_worker_init(_worker: Any) -> None:
    """After the fork, with the application loaded: starts its threads, and ends its streams on SIGTERM."""
    global _health_server
    from producer_api.wsgi import services

    services.start()
    _health_server = HealthServer(_health_listener, services.readiness.alive, services.readiness.ready)
    _health_server.start()
    begin_shutdown = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        services.drain()
        if callable(begin_shutdown):
            begin_shutdown(number, frame)

    signal.signal(signal.SIGTERM, drain)


def worker_exit(_server: Any, _worker: Any) -> None:
    from producer_api.wsgi import services
    from waybill.telemetry import flush

    if _health_server is not None:  # else the worker has not come so far
        _health_server.stop()
    services.stop()
    flush()

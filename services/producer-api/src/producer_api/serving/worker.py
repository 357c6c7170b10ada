"""gunicorn's threaded worker, in which a client has a thread only while its request is worked on.

gunicorn itself gives a connection a thread from its first byte on, without a deadline, and waits in its main
loop for answered clients to close. Here the main loop collects each request and lingers after each answer
without blocking; docs/decisions/0006-slow-clients.md has the reasons.
"""

import errno
import logging
import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

from producer_api.policies import ArrivalPolicy
from producer_api.serving import refusals
from producer_api.serving.answer import Answer
from producer_api.serving.arrival import Arrival
from producer_api.serving.certificate import Certificate
from producer_api.serving.sockets import HTTP_INSTEAD, ClientSocket, TlsClientSocket, broken_rule

log = logging.getLogger(__name__)

_RECEIVE = 64 * 1024
_LOOK_SECONDS = 0.05
"""Between two looks at what waits. As long as Linux may delay an acknowledgement: held requests need it."""
_FOLLOWS_SECONDS = 0.002
"""How long a thread waits for the next request of the client that it has answered."""
_NOTIFY_SECONDS = 0.5
"""Between two signs of life to the arbiter, which waits for 30 s."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NOTHING_MORE: tuple[bytes, ...] = ()
"""What the parser can read beside what was collected: it has no socket that it could wait for."""
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class _Linger:
    """An answered connection until the client closes it, so that it gets the whole answer."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._left = _RECEIVE

    def receive(self, data: bytes) -> bool:
        """Whether there may be more."""
        self._left -= len(data)
        return self._left > 0


@dataclass
class _Handshake:
    """A new connection, until both sides agree on how it is encrypted."""

    deadline: float


@dataclass
class _Held:
    """A request that waits until its client has read the answer before: until the socket's buffer is empty,
    and a thread can write a short answer without blocking."""

    arrival: Arrival
    deadline: float


class EdgeWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """`edge_worker` makes it. A request is answered in a thread, as far as `_answered`; all else runs in the
    main thread."""

    policy = ArrivalPolicy()
    prefix = ""
    certificate: Certificate | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: dict[TConn, _Handshake | Arrival | _Held | _Linger] = {}
        """The connections that have no thread, the one that has waited for longest first. Threads may add."""
        self._busy = set[TConn]()
        """The connections that have a thread, or wait for one."""
        self._held = 0
        self._next_look = self._next_notice = 0.0
        self._stopping = False

    def accept(self, listener: socket.socket) -> None:
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in _OUT_OF_FILES:
                self._drop_oldest()
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        if self.certificate is None:
            taken = ClientSocket.of(accepted, self.policy.write)
            self._await_request(self._counted(taken, client, listener))
        else:
            try:
                taken = TlsClientSocket.over(accepted, self.policy.write, self.certificate.context)
            except OSError:
                return  # the client has gone
            self._await_handshake(self._counted(taken, client, listener))
        if self.nr_conns >= self.worker_connections:
            self._drop_oldest()

    def _counted(self, taken: ClientSocket, client: Any, listener: socket.socket) -> TConn:
        self.nr_conns += 1
        return TConn(self.cfg, taken, client, listener.getsockname())

    def notify(self) -> None:
        """gunicorn calls it before each wait, as it calls all below after each."""
        if (now := time.monotonic()) >= self._next_notice:
            self._next_notice = now + _NOTIFY_SECONDS
            super().notify()

    def is_parent_alive(self) -> bool:
        return time.monotonic() < self._next_notice or super().is_parent_alive()

    def enqueue_req(self, connection: TConn) -> None:
        self._busy.add(connection)
        future = self.tpool.submit(self._serve, connection)
        future.add_done_callback(partial(self._answered, connection))

    def _serve(self, connection: TConn) -> bool:
        """Answers the request, and those that follow at once. In a thread."""
        try:
            while self.handle(connection):
                if not self._follows(connection):
                    return True
            return False
        finally:
            self._busy.discard(connection)

    def _follows(self, connection: TConn) -> bool:
        """Whether another request is there within moments, as from a client that is busy, and can be
        answered. What has come of it is left to the main thread where it cannot."""
        buffered = connection.parser.unreader
        if not self.alive or 2 * len(self._busy) > self.cfg.threads or buffered.buf.getvalue():
            return False
        client: ClientSocket = connection.sock
        try:
            if not client.has_data(_FOLLOWS_SECONDS) or not (data := client.recv(_RECEIVE)):
                return False
        except BlockingIOError:
            return False
        now = time.monotonic()
        arrival = Arrival(self.policy, now)
        arrival.receive(data, now)
        buffered.unread(data)
        client.beginning = data[: refusals.BEGINNING]
        return arrival.complete and arrival.error is None and not client.unread

    def handle_request(self, request: Any, connection: TConn) -> bool:
        """As gunicorn's, without its hooks: whether another request may follow. In a thread."""
        began = datetime.now(UTC)
        answer, environ = wsgi.create(
            request, connection.sock, connection.client, connection.server, self.cfg, response_class=Answer
        )
        environ["wsgi.multithread"] = True
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        if not self.alive:
            answer.force_close()
        try:
            answer.send(self.wsgi(environ, answer.start_response))
        except OSError:
            raise
        except Exception as error:
            if not answer.headers_sent:
                raise
            log.exception("answer broken off: unexpected error", exc_info=error)
            return False
        finally:
            self.log.access(answer, request, environ, datetime.now(UTC) - began)
        return not answer.should_close()

    def _answered(self, connection: TConn, future: "Future[bool]") -> None:
        """In the thread. As a rule the connection then waits for a request, and the main thread sleeps on."""
        if not self._is_kept(future) or self._stopping or connection.parser.unreader.buf.getvalue():
            self.method_queue.defer(self.finish_request, connection, future)
            return
        try:
            self._await_request(connection)
        except (OSError, ValueError):  # closed already
            self.method_queue.defer(self._close, connection)

    def finish_request(self, connection: TConn, future: "Future[bool]") -> None:
        """A thread is done with the connection: the next request, or the end."""
        try:
            if self._is_kept(future):
                self._await_request(connection, connection.parser.unreader.take_buffered())
            else:
                self._linger(connection)
        except (OSError, ValueError):  # closed already
            self._close(connection)

    @staticmethod
    def _is_kept(future: "Future[bool]") -> bool:
        return not future.cancelled() and future.exception() is None and future.result()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """gunicorn calls `murder_pending` after it. No event tells that a buffer is empty."""
        super().wait_for_and_dispatch_events(min(timeout, _LOOK_SECONDS) if self._held else timeout)

    def murder_pending(self) -> None:
        """Begins held requests, ends what has waited for too long; gunicorn calls it after each event, and at
        least each second."""
        now = time.monotonic()
        if not self.alive and not self._stopping:
            self._stopping = True
            self._shorten_idle(now + self.policy.linger.total_seconds())
        elif now < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        if self.certificate is not None:
            self.certificate.refresh()
        for connection, waiting in list(self._waiting.items()):
            if isinstance(waiting, _Held) and not connection.sock.unread:
                self._hand_over(connection, waiting.arrival)
            elif waiting.deadline > now:
                continue
            elif isinstance(waiting, Arrival) and waiting.begun:
                waiting.expire()
                self._begin(connection, waiting)
            else:
                self._drop(connection)

    def refuse(self, connection: TConn, error: Exception) -> bool:
        """Answers in the application's place. In a thread."""
        self.handle_error(None, connection.sock, connection.client, error)
        return False

    def handle_error(self, _request: Any, client: ClientSocket, _address: Any, error: Exception) -> None:
        """Answers every error as a problem, and logs nothing that the client has sent."""
        problem = refusals.refusal(error)
        if problem.kind == "internal-error":
            log.exception("request failed: unexpected error; answered 500", exc_info=error)
        else:
            log.info("request refused: %s", problem.kind)
        try:
            client.sendall(
                refusals.response(problem, self.prefix, as_page=refusals.is_for_page(client.beginning))
            )
        except OSError:
            log.debug("the refusal was not sent: the client has gone")

    def _await_handshake(self, connection: TConn) -> None:
        self._wait(connection, _Handshake(time.monotonic() + self.policy.head.total_seconds()))

    def _shake_hands(self, connection: TConn) -> None:
        try:
            if not connection.sock.has_shaken_hands():
                return
        except OSError as error:
            self._refuse_handshake(connection, error)
        else:
            self._forget(connection)
            self._await_request(connection)

    def _refuse_handshake(self, connection: TConn, error: OSError) -> None:
        if rule := broken_rule(error):
            log.info("TLS handshake failed: %s", rule)
        if rule != HTTP_INSTEAD:
            self._drop(connection)
            return
        self._forget(connection)
        try:
            connection.sock.send_in_plain_text(refusals.response(refusals.HTTPS_ALONE, self.prefix))
            self._linger(connection)
        except OSError:
            self._close(connection)

    def _await_request(self, connection: TConn, received: bytes = b"") -> None:
        connection.sock.beginning = b""
        now = time.monotonic()
        arrival = Arrival(self.policy, now)
        self._wait(connection, arrival)
        if self._stopping:  # looked at last: the main thread sets it before it shortens what waits
            arrival.deadline = now + self.policy.linger.total_seconds()
        if received:
            self._receive(connection, arrival, received)

    def _linger(self, connection: TConn) -> None:
        connection.sock.shutdown(socket.SHUT_WR)
        self._wait(connection, _Linger(time.monotonic() + self.policy.linger.total_seconds()))

    def _begin(self, connection: TConn, arrival: Arrival) -> None:
        """Hands the request over, or holds it."""
        unread = connection.sock.unread
        if not unread:
            self._hand_over(connection, arrival)
            return
        self._forget(connection)
        seconds = self.policy.linger.total_seconds() if self._stopping else connection.sock.time_for(unread)
        self._waiting[connection] = _Held(arrival, time.monotonic() + seconds)
        self._held += 1

    def _wait(self, connection: TConn, waiting: _Handshake | Arrival | _Linger) -> None:
        self.poller.register(connection.sock, EVENT_READ, partial(self._on_readable, connection))
        self._waiting[connection] = waiting

    def _on_readable(self, connection: TConn, client: socket.socket) -> None:
        if (waiting := self._waiting.get(connection)) is None:
            return  # dropped for a new one after both events were there
        if isinstance(waiting, _Handshake):
            self._shake_hands(connection)
            return
        try:
            data = client.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
        elif isinstance(waiting, Arrival):
            self._receive(connection, waiting, data)
        elif isinstance(waiting, _Linger) and not waiting.receive(data):
            self._drop(connection)

    def _receive(self, connection: TConn, arrival: Arrival, data: bytes) -> None:
        arrival.receive(data, time.monotonic())
        if arrival.complete or arrival.error:
            self._begin(connection, arrival)
        elif arrival.wants_continue:
            arrival.wants_continue = False
            with suppress(OSError):
                connection.sock.send(_CONTINUE)

    def _hand_over(self, connection: TConn, arrival: Arrival) -> None:
        """To a thread, which answers."""
        self._forget(connection)
        connection.sock.beginning = bytes(arrival.data[: refusals.BEGINNING])
        if arrival.error is not None:
            future = self.tpool.submit(self.refuse, connection, arrival.error)
            future.add_done_callback(partial(self.method_queue.defer, self.finish_request, connection))
            return
        connection.data_ready = True
        if connection.parser is None:
            connection.parser = RequestParser(self.cfg, _NOTHING_MORE, connection.client)
        connection.init()
        connection.parser.unreader.unread(bytes(arrival.data))
        self.enqueue_req(connection)

    def _shorten_idle(self, deadline: float) -> None:
        """The worker stops: a connection without a request, or with a held one, has only until then."""
        for waiting in list(self._waiting.values()):
            is_idle = isinstance(waiting, Arrival) and not waiting.begun
            if is_idle or isinstance(waiting, _Held | _Handshake):
                waiting.deadline = min(waiting.deadline, deadline)

    def _drop_oldest(self) -> None:
        """Makes room: a client that sends its request at once never waits for those that do not."""
        for connection in list(self._waiting)[:1]:
            self._drop(connection)

    def _drop(self, connection: TConn) -> None:
        self._forget(connection)
        self._close(connection)

    def _close(self, connection: TConn) -> None:
        self.nr_conns -= 1
        connection.close()

    def _forget(self, connection: TConn) -> None:
        if isinstance(self._waiting.pop(connection), _Held):  # from which nothing is read
            self._held -= 1
        else:
            self.poller.unregister(connection.sock)


def edge_worker(
    policy: ArrivalPolicy, prefix: str = "", certificate: Certificate | None = None
) -> type[EdgeWorker]:
    """The worker class with this policy, for gunicorn's configuration. `prefix`: the path before every
    address of the API. With `certificate` it speaks HTTPS alone."""
    return type("EdgeWorker", (EdgeWorker,), {"policy": policy, "prefix": prefix, "certificate": certificate})

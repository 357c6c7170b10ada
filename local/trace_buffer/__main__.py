"""The command line of the trace buffer; the stack starts it."""

import argparse
import signal
import threading
from pathlib import Path

from werkzeug.serving import make_server

from local.trace_buffer.forwarding import Forwarder
from local.trace_buffer.server import RequestHandler, create_app
from local.trace_buffer.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m local.trace_buffer", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where it listens, on loopback")
    parser.add_argument("--file", type=Path, required=True, help="where it keeps what it received")
    parser.add_argument("--forward-to", required=True, metavar="URL", help="the collector's OTLP over HTTP")
    arguments = parser.parse_args()

    store = Store(arguments.file)
    forwarder = Forwarder(store, arguments.forward_to)
    server = make_server(
        "127.0.0.1", arguments.port, create_app(store), threaded=True, request_handler=RequestHandler
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: `shutdown` waits for the loop that this handler interrupts.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    forwarder.start()
    try:
        server.serve_forever()
    finally:
        forwarder.stop()
        store.close()


if __name__ == "__main__":
    main()

"""The HTTP side of the trace buffer: OTLP in, Jaeger's API for one trace out."""

import gzip
import zlib
from http import HTTPStatus

from flask import Flask, Response, jsonify, request
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from werkzeug.serving import WSGIRequestHandler

from local.trace_buffer.jaeger_json import stored_spans, trace_answer
from local.trace_buffer.store import Store, StoredSpan

PRODUCT = "waybill-trace-buffer"
"""In the header `Server` of every answer: who reads a trace can tell where it came from."""

_PROTOBUF = "application/x-protobuf"
_MAX_BODY_BYTES = 16 * 1024 * 1024
_FORWARDED_HEADERS = ("Content-Type", "Content-Encoding")
_PAGE = """\
This is Waybill's local trace buffer. It keeps spans until Jaeger is there, and has no pages.
One trace: /api/traces/<trace id>, as Jaeger answers it. What waits to be forwarded: /waiting.
"""


class RequestHandler(WSGIRequestHandler):
    """Names the product in every answer, and writes no line for each request."""

    def version_string(self) -> str:
        return PRODUCT

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def create_app(store: Store) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES

    @app.post("/v1/<any(traces, metrics, logs):signal>")
    def receive(signal: str) -> Response:
        """Answers when the request is on disk."""
        body = request.get_data()
        spans: list[StoredSpan] = []
        if signal == "traces":
            try:
                spans = list(stored_spans(_parse(body)))
            except (DecodeError, OSError, EOFError, zlib.error) as error:
                return _text(f"not an OTLP request in protobuf: {error}", HTTPStatus.BAD_REQUEST)
        headers = {name: request.headers[name] for name in _FORWARDED_HEADERS if name in request.headers}
        store.add(f"/v1/{signal}", headers, body, spans)
        return Response(b"", mimetype=_PROTOBUF)

    @app.get("/api/traces/<trace_id>")
    def trace(trace_id: str) -> tuple[Response, HTTPStatus]:
        spans = store.spans(trace_id)
        if spans:
            return jsonify(trace_answer(trace_id, spans)), HTTPStatus.OK
        error = {"code": HTTPStatus.NOT_FOUND, "msg": "trace not found"}
        return jsonify({"data": None, "errors": [error]}), HTTPStatus.NOT_FOUND

    @app.get("/waiting")
    def waiting() -> Response:
        return jsonify({"requests": store.waiting()})

    @app.get("/")
    def page() -> Response:
        return _text(_PAGE)

    return app


def _parse(body: bytes) -> ExportTraceServiceRequest:
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    parsed: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(body)
    return parsed


def _text(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(text, status, mimetype="text/plain")

"""Keeps spans and metrics while Jaeger is not there yet, shows traces, and forwards everything once it is.

`python -m local.trace_buffer` runs it, with the checkout's environment: unlike the rest of `local` it needs
packages. It receives OTLP over HTTP, and answers `GET /api/traces/{id}` as Jaeger does, so that
`waybill trace` reads either.
"""

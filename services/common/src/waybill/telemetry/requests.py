"""What the instrumentation's span of an HTTP request shows: a name out of few, and no secret."""

from collections.abc import Collection

from opentelemetry import trace
from opentelemetry.semconv.attributes.url_attributes import URL_QUERY
from opentelemetry.util.http import sanitize_method

from waybill.redaction import REDACTED

_MAX_QUERY = 1000
_OTHER = "_OTHER"


def name_unmatched_request(method: str) -> None:
    """Names the current span of a request that no route takes, which would have the caller's path in it."""
    known = sanitize_method(method)
    trace.get_current_span().update_name("HTTP" if known == _OTHER else known)


def redact_query(query: str, shown: Collection[str]) -> None:
    """Puts `query` on the current span with the values of the parameters `shown`, and of no others."""
    span = trace.get_current_span()
    redacted = redacted_query(query, shown)
    span.set_attribute(URL_QUERY, redacted)
    # the old convention, where OTEL_SEMCONV_STABILITY_OPT_IN asks for it
    target = (getattr(span, "attributes", None) or {}).get("http.target")
    if target is not None:
        span.set_attribute("http.target", f"{str(target).partition('?')[0]}?{redacted}")


def redacted_query(query: str, shown: Collection[str]) -> str:
    """A caller may send a token to a server that takes none, and under any name."""
    parameters = (parameter.partition("=") for parameter in query[:_MAX_QUERY].split("&"))
    return "&".join(
        f"{name}={value}" if name in shown else f"{name}={REDACTED}" if equals else REDACTED
        for name, equals, value in parameters
    )

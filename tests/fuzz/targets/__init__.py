"""The table of what is tried: a new reader of what others send gets its line here."""

from tests.fuzz.target import Target, plain
from tests.fuzz.targets import (
    answers,
    api,
    configuration,
    credentials,
    definitions,
    files,
    messages,
    parameters,
    queries,
    webhooks,
)

TARGETS: tuple[Target, ...] = (
    Target("commands", "messages on topic `report`", 155, plain(messages.read_a_command)),
    Target("headers", "trace contexts in headers", 108, plain(messages.read_headers)),
    Target("queries", "what of a query a span shows", 72, plain(queries.read_a_query)),
    Target("conditions", "ranges and conditions of downloads", 15, plain(files.read_conditions)),
    Target("filenames", "names of files", 15, plain(files.name_a_file)),
    Target("key-texts", "API keys", 70, plain(credentials.read_a_key)),
    Target("web-tokens", "bearer tokens of OpenID Connect issuers", 80, credentials.web_tokens),
    Target("sessions", "browsers' session cookies", 80, credentials.sessions),
    Target("proxies", "identity headers of proxies", 70, plain(credentials.read_a_proxys_headers)),
    Target("parameters", "the parameters of reports", 105, plain(parameters.read_parameters)),
    Target("definitions", "definitions of reports, in YAML", 5, plain(definitions.read_a_definition)),
    Target("addresses", "where to listen", 45, plain(configuration.read_an_address)),
    Target("database-urls", "the database's address", 50, plain(configuration.read_a_database_url)),
    Target("webhooks", "URLs of webhooks", 20, plain(webhooks.read_a_url)),
    Target("settings", "the API's settings", 15, plain(configuration.read_settings)),
    Target("sign-in", "how a browser signs in", 10, api.sign_in),
    Target("traces", "what Jaeger answers", 10, answers.traces),
    Target("answers", "what the API answers to the client", 15, answers.calls),
    Target("streams", "what a status stream brings to the client", 3, answers.streams),
    Target("terminal", "what a command shows of answers", 2, answers.terminal),
    Target("requests", "requests for reports", 20, api.requests, needs_database=True),
    Target("idempotency-keys", "`Idempotency-Key`", 5, api.idempotency_keys, needs_database=True),
    Target("cursors", "cursors and filters of lists", 10, api.cursors, needs_database=True),
    Target("last-event-ids", "`Last-Event-ID`", 12, api.last_event_ids, needs_database=True),
    Target("keys", "requests for API keys, and credentials", 8, api.keys, needs_database=True),
)

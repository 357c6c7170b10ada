"""Accepts a request for a report."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Response
from pydantic import ValidationError

from producer_api.access import Identity, current_identity
from producer_api.permissions import FIRST_PRIORITY
from producer_api.problems import FieldError, Problem, field_errors
from producer_api.published import published_schema
from producer_api.repeating import as_before, repeated_report
from producer_api.resources import ReportRequest, report_resource
from producer_api.storable import refuse_unstorable
from producer_api.webhooks import RequestedWebhooks
from waybill.domain import NewReport, Owner, Report, new_report_id
from waybill.kinds import Kind, ParametersNotKept, Registry, UnavailableKind, UnknownKind
from waybill.ledger import IdempotencyKey, KeyInFlight, KeyReused, KindLimits, Ledger
from waybill.telemetry import current_carrier, names, request_span

_RETRY_AFTER_SECONDS = "2"
_ADDED = frozenset({"priority", "outputs", "webhook", "tags", "rerun_of"})
"""Fields of a request that processes of an earlier version do not know."""


def request_report(
    ledger: Ledger,
    kinds: Registry,
    limits: KindLimits,
    webhooks: RequestedWebhooks,
    wanted: ReportRequest,
    key_header: str | None = None,
) -> Response:
    """As `accept_request`; returns the 202 response."""
    report = accept_request(ledger, kinds, webhooks, wanted, key_header)
    # One that does not wait for its kind is of none that is paused: it is not looked for each time.
    paused = report.awaits_kind and limits.is_paused(report)
    resource = report_resource(report, kind_paused=paused, delivery=webhooks.state(report))
    headers = {"Location": resource.links.self, "Retry-After": _RETRY_AFTER_SECONDS}
    return Response(resource.model_dump_json(), 202, headers, mimetype="application/json")


def accept_request(
    ledger: Ledger,
    kinds: Registry,
    webhooks: RequestedWebhooks,
    wanted: ReportRequest,
    key_header: str | None = None,
    *,
    is_whole: bool = False,
) -> Report:
    """Stores the report that the current request's client wants. It waits for the database, not for Kafka.

    `key_header` is the unparsed Idempotency-Key header: the same key and request return the same report.
    `is_whole`: the request has all parameters itself, also where it repeats another report.
    Raises `Problem` if the request is wrong; then nothing is stored.
    """
    identity = current_identity()
    key = _idempotency_key(key_header, wanted, identity.owner) if key_header is not None else None
    earlier = repeated_report(ledger, wanted)
    kind = _kind(kinds, earlier.kind if earlier else str(wanted.kind))
    first = _first_priority(identity)
    if earlier and not is_whole:
        wanted = as_before(earlier, wanted, kind, first)
    checked = _checked(kind, wanted.parameters)
    _check_outputs(kind, wanted.outputs)
    timeout = _timeout(kind, wanted.timeout_seconds)
    webhook = webhooks.url(wanted.webhook)
    if wanted.priority < first:
        wrong = FieldError(field="priority", message=f"your roles allow {first} to 5")
        raise Problem("not-allowed", f"priority: {wrong.message}.", [wrong])
    definition = _kept_definition(ledger, kind)
    with request_span(kind.name, earlier) as span:
        report_id = new_report_id()
        new = NewReport(
            report_id,
            kind.name,
            checked,
            current_carrier(),
            timeout=timeout,
            owner=identity.owner,
            actor=identity.actor,
            priority=wanted.priority,
            definition=definition,
            outputs=wanted.outputs,
            webhook=webhook,
            tags=wanted.tags,
            rerun_of=wanted.rerun_of,
        )
        report = _accept(ledger, new, key)
        span.set_attribute(names.REPORT_ID, str(report.id))
        if report.definition:
            span.set_attribute(names.REPORT_DEFINITION, report.definition)
    return report


def _kept_definition(ledger: Ledger, kind: Kind) -> str | None:
    """The digest of the kind's definition, if it has one, whose text is stored from now on."""
    source = kind.defined_by
    if source is None:
        return None
    ledger.definitions.keep(source.digest, kind.name, source.text)
    return source.digest


def _accept(ledger: Ledger, new: NewReport, key: IdempotencyKey | None) -> Report:
    try:
        return ledger.accept(new, key)
    except KeyReused as error:
        raise Problem("key-reused", str(error)) from None
    except KeyInFlight as error:
        raise Problem("request-in-flight", str(error), headers={"Retry-After": "1"}) from None


_QUOTED_KEY = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"')
_BARE_KEY = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")


def _idempotency_key(header: str, wanted: ReportRequest, owner: Owner) -> IdempotencyKey:
    """The key in quotes, as in the IETF draft, equals the key without, as many clients send it."""
    text = header.strip()
    quoted = _QUOTED_KEY.fullmatch(text)
    if not quoted and not _BARE_KEY.fullmatch(text):
        raise Problem("wrong-request", "Idempotency-Key: must be 1 to 255 visible ASCII characters.")
    # A field that was added counts where it is given.
    left_out = _ADDED - wanted.model_fields_set
    request = json.dumps(wanted.model_dump(mode="json", exclude=set(left_out)), sort_keys=True)
    return IdempotencyKey(quoted[1] if quoted else text, hashlib.sha256(request.encode()).hexdigest(), owner)


def _first_priority(identity: Identity) -> int:
    return min(FIRST_PRIORITY[role] for role in identity.roles if role in FIRST_PRIORITY)


def _check_outputs(kind: Kind, wanted: Sequence[str] | None) -> None:
    if wanted and not kind.outputs:
        raise _wrong([FieldError(field="outputs", message=f"must be left out: {kind.name} has no outputs")])
    offered = ", ".join(kind.outputs)
    _refuse(
        [
            FieldError(field=f"outputs.{place}", message=f"must be an output of {kind.name}: {offered}")
            for place, name in enumerate(wanted or ())
            if name not in kind.outputs
        ]
    )


def _timeout(kind: Kind, seconds: float | None) -> timedelta | None:
    if seconds is None:
        return None
    if seconds > kind.timeout.total_seconds():
        limit = f"{kind.timeout.total_seconds():g}"
        message = f"must be at most {limit} for the kind {kind.name}"
        raise _wrong([FieldError(field="timeout_seconds", message=message)])
    return timedelta(seconds=seconds)


def _kind(kinds: Registry, name: str) -> Kind:
    try:
        return kinds[name]
    except UnknownKind as error:
        raise Problem("unknown-kind", str(error)) from None
    except UnavailableKind as error:
        raise Problem("unavailable-kind", str(error)) from None


def _checked(kind: Kind, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the kind's defaults, as JSON that PostgreSQL can store."""
    refuse_unstorable(parameters)  # the input too: the model's JSON has null for NaN
    try:
        model = kind.read_parameters(parameters)
        _refuse(published_schema(kind).errors(parameters))
        checked = kind.stored_parameters(parameters, model)
    except ValidationError as error:
        raise _wrong(field_errors(error, "parameters", given=parameters)) from None
    except ParametersNotKept as error:
        raise Problem("wrong-request", f"parameters: {error}") from None
    except ValueError as error:
        raise Problem("wrong-request", f"parameters: cannot be stored as JSON: {error}") from None
    refuse_unstorable(checked)
    return checked


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise _wrong(errors)


def _wrong(errors: list[FieldError]) -> Problem:
    detail = "; ".join(f"{item.field}: {item.message}" for item in errors)
    return Problem("wrong-request", detail, errors)

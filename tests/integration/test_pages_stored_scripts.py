"""No text that a user, a report or a definition can put into a page is anything but text there.

Every column of the database with text is in one of two tables below: a new one is to be put into one of them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy
from playwright.sync_api import Browser, Page, expect

from local.stack import Stack
from tests.integration.test_pages_access import FORMS, PAGES
from tests.support.hostile_browser import LOOK, OTHERS, Shown, hostile_pages
from tests.support.hostile_texts import HIDDEN
from tests.support.lifecycle_store import Store
from waybill.store import tables

pytest_plugins = ["tests.support.lifecycle_fixtures", "tests.support.browser_fixtures"]

HOME, LIST, REPORT = "/", "/reports", "/reports/{report_id}"
RUNNING, WAITING, GONE = "/reports/{running_id}", "/reports/{waiting_id}", "/reports/{gone_id}"
FILES, LINES = "/reports/{done_id}", "/reports/{report_id}?step={text}&stream={text}"
CSV, PARQUET, HTML, SVG, TEXT, LOST, ODD = (
    f"/reports/{{done_id}}?file={{{ending}}}"
    for ending in ("csv", "parquet", "html", "svg", "txt", "lost", "odd")
)
KINDS, OF_KIND, CHOICE, FORM = "/kinds", "/kinds/{kind}", "/reports/new", "/reports/new?kind={kind}"
SET, TYPED = "/reports/new?kind={kind}&set={set}", "/reports/new?kind={kind}&p.free={text}&p.number={text}"
AGAIN = "/reports/new?rerun_of={done_id}"
LETTERS, LETTER, MESSAGE = "/dead-letters", "/dead-letters/{letter_id}", "/dead-letters/{message_id}"
REASON, NO_REASON = "/dead-letters?reason={reason}", "/dead-letters?reason={text}"
VIEWS, VIEW, OPERATION, ASKED, NONE = (
    "/reports/views",
    "/reports/views?tag={text}&q={text}",
    "/operations/{operation_id}",
    "/reports/all?action=cancel&tag={tag}",
    "/reports/all?action=cancel&tag={text}",
)
FOUND = (
    "/reports?q={text}&tag={text}&parameter=a%3D{text}&owner={text}&kind={text}&status={text}&cursor={text}"
    "&within={text}"
)
TIMES = "/reports?created_after={text}&created_before={text}&parameter={text}"
NO_KIND, NO_REPORT, NO_LETTER, NO_FILE = (
    "/kinds/{text}",
    "/reports/{text}",
    "/dead-letters/{text}",
    "/reports/{done_id}?file={text}",
)
# Sent as forms, whose fields are those of the query.
WRONG = (
    "POST /reports/new?kind={kind}&p.one={text}&p.free={text}&p.lines={text}&p.number={text}"
    "&p.period={text}&p.few={text}&p.many={text}&tags={text}&priority={text}&timeout_seconds={text}"
    "&outputs={text}"
)
UNSAVED = "POST /reports/new?kind={kind}&do=save&p.free={text}&save_as={text}"
UNNAMED = "POST /reports/views?tag={text}&name={long}"
ACTING = "POST /reports/actions?action=cancel&id={text}"
ACTED = "POST /reports/actions?action=retry&confirmed=1&id={text}&id={report_id}"
NO_ACTION = "POST /reports/actions?action={text}&id={text}"
REDRIVING = "POST /dead-letters/redrive?reason={text}"
REDRIVEN = "POST /dead-letters/redrive?confirmed=1&id={message_id}"
CANCELLING = "POST /reports/{waiting_id}/cancel?a={text}"
# Of `OTHERS` than the one with a key.
SIGNED_IN, PROXIED, EXPLAINED, STRAYED = "ISSUER /", "PROXY /", "PROXY /api/v1/docs", "STRAY /"

SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "api_keys.owner": (HOME, LIST, OPERATION),
    "audit.action": (REPORT,),
    "audit.actor": (REPORT,),
    "audit.credential": (REPORT,),
    "choice_lists.content": (FORM,),
    "dead_letters.detail": (LETTERS, LETTER, MESSAGE, REDRIVEN),
    "dead_letters.key": (MESSAGE,),
    "dead_letters.owner": (LETTERS, LETTER),
    "dead_letters.reason": (LETTERS, REASON, MESSAGE),
    "dead_letters.stack": (LETTER,),
    "dead_letters.topic": (LETTERS, MESSAGE),
    "dead_letters.value": (MESSAGE,),
    "kind_limits.kind": (KINDS,),
    "kind_limits.paused_by": (OF_KIND, WAITING),
    "kind_limits.reason": (KINDS, OF_KIND, HOME, FORM, WAITING),
    "operations.error": (OPERATION,),
    "operations.owner": (OPERATION,),
    "operations.reasons": (OPERATION,),
    "parameter_sets.name": (FORM,),
    "parameter_sets.owner": (FORM,),
    "parameter_sets.parameters": (SET,),
    "report_changes.data": (REPORT,),
    "report_logs.records": (REPORT,),
    "reports.artefacts": (FILES,),
    "reports.failure": (HOME, LIST, REPORT),
    "reports.kind": (HOME, LIST, GONE),
    "reports.outputs": (REPORT,),
    "reports.owner": (LIST, REPORT),
    "reports.parameters": (LIST, REPORT),
    "reports.progress": (REPORT, RUNNING, LIST),
    "reports.tags": (LIST, REPORT, AGAIN, ASKED),
    "reports.webhook": (REPORT,),
    "saved_views.fields": (VIEWS,),
    "saved_views.name": (LIST, VIEWS),
    "saved_views.owner": (LIST, VIEWS),
    "webhook_deliveries.last_error": (REPORT,),
    # of JSON in other columns
    "failure.type": (HOME,),
    "log.level": (REPORT,),
    # of a definition's file, and what a worker has read for it
    "definition.title": (KINDS, OF_KIND, CHOICE, FORM, LIST, REPORT, CANCELLING),
    "definition.description": (KINDS, OF_KIND, CHOICE, FORM),
    "definition.parameter": (OF_KIND, FORM, WRONG),
    "definition.choice": (FORM,),
    "definition.label": (OF_KIND, FORM),
    "definition.default": (OF_KIND, FORM),
    "definition.pattern": (FORM, WRONG),
    "definition.sql": (OF_KIND,),
    "definition.file": (KINDS, CHOICE),
    "definition.fault": (KINDS, CHOICE),
    "choice.label": (OF_KIND, FORM),
    "choice.error": (OF_KIND, FORM),
    # of files: their names, and what is in them
    **{f"file.{ending}": (FILES,) for ending in ("csv", "parquet", "html", "svg", "txt", "lost", "odd")},
    "csv.column": (CSV,),
    "csv.cell": (CSV,),
    "parquet.column": (PARQUET,),
    "parquet.cell": (PARQUET,),
    "text.content": (TEXT,),
    # of spans in Jaeger
    "span.name": (REPORT,),
    "span.service": (REPORT,),
    "span.attribute": (REPORT,),
    "span.error": (REPORT,),
    # of who looks
    "issuer.subject": (SIGNED_IN,),
    "proxy.user": (PROXIED, EXPLAINED),
    "proxy.host": (STRAYED,),
    # of an address, or of a form that is sent
    "address": (
        *(FOUND, TIMES, NONE, VIEW, LINES, TYPED, NO_REASON, NO_KIND, NO_REPORT, NO_LETTER, NO_FILE),
        *(WRONG, UNSAVED, UNNAMED, ACTING, ACTED, REDRIVING),
    ),
}
"""Where each is seen."""
ALSO: Final = (HTML, SVG, LOST, ODD, NO_ACTION)
"""Are looked at, too."""
NOT_SHOWN: Final = frozenset(
    {
        # words that Waybill chooses, and names of tenants
        *("api_keys.created_by", "api_keys.roles", "api_keys.tenant", "audit.actor_tenant"),
        *("audit.tenant", "dead_letters.tenant"),
        *("operations.action", "operations.state", "operations.tenant"),
        *("operations.scope_tenant", "parameter_sets.tenant"),
        *("report_changes.type", "reports.status", "reports.tenant", "saved_views.tenant"),
        *("webhook_deliveries.status", "kept_bytes.level", "limits.level", "request_rates.level"),
        # a kind's name is of [a-z0-9_.:-]
        *("definitions.kind", "parameter_sets.kind"),
        # identities: random, digests, and spans
        *("api_keys.id", "audit.trace_id", "choice_lists.digest", "dead_letters.traceparent"),
        *("dead_letters.tracestate", "dead_letters.value_sha256", "definitions.digest"),
        *("idempotency_keys.request_sha256", "outbox.traceparent", "outbox.tracestate", "reports.definition"),
        *("reports.traceparent", "reports.tracestate", "reports.attempt_trace", "step_results.digest"),
        *("step_results.sha256", "step_results.traceparent", "step_results.tracestate"),
        "api_keys.secret_sha256",
        # no page asks for them
        *("operations.credential", "operations.scope_owner"),
        *(
            "api_keys.name",
            "audit.subject",
            "dead_letters.headers",
            "dead_letters.source",
            "definitions.text",
        ),
        *("idempotency_keys.key", "kept_bytes.owner", "kept_bytes.tenant", "limits.owner", "limits.tenant"),
        *("maintenance_leases.holder", "maintenance_leases.task", "open_streams.owner"),
        *("open_streams.process", "open_streams.tenant", "operations.pending", "outbox.key", "outbox.topic"),
        *("outbox.value", "reports.lease_owner", "reports.source", "request_rates.owner"),
        *("request_rates.tenant", "step_results.key", "step_results.path", "step_results.value"),
        *("webhook_deliveries.host", "webhook_deliveries.report", "workers.kinds", "workers.name"),
        # as their neighbours, which are shown: files of `reports.artefacts`, steps of `report_changes`, and
        # filters of `address`
        *("reports.artefact", "artefact_previews.filename", "step_results.step", "operations.wanted"),
        # read by a worker: see `csv.cell`
        "artefact_previews.content",
    }
)


@pytest.fixture
def shown(chromium: Browser, stack: Stack, store: Store, store_url: str, tmp_path: Path) -> Iterator[Shown]:
    with hostile_pages(chromium, stack.endpoints, store, store_url, tmp_path) as opened:
        yield opened


def test_every_text_of_the_database_is_in_the_tables_above() -> None:
    kinds = (sqlalchemy.String, sqlalchemy.JSON, sqlalchemy.ARRAY, sqlalchemy.LargeBinary)
    texts = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, kinds)
    }
    of_tables = {name for name in SHOWN if name.partition(".")[0] in tables.metadata.tables}
    assert not of_tables & NOT_SHOWN
    assert texts == of_tables | NOT_SHOWN


def places() -> list[str]:
    """Each that is looked at once, those that change something last."""
    every = {*(path for where in SHOWN.values() for path in where), *ALSO}
    return sorted(every, key=lambda path: (path.startswith("POST"), path))


def test_every_page_is_looked_at() -> None:
    addresses = {place.partition("?")[0] for place in places()}
    looked = {
        re.sub(r"{(done|running|waiting|gone|message)_id}", _as_routes_have_it, one) for one in addresses
    }
    assert {one for one in looked if " " not in one and "{text}" not in one} == set(PAGES) - {
        "/reports/{report_id}/files/{filename}"  # the file itself, in a sandbox
    }
    assert {one.removeprefix("POST ") for one in looked if one.startswith("POST")} <= set(FORMS)


def _as_routes_have_it(found: re.Match[str]) -> str:
    return "{letter_id}" if found[1] == "message" else "{report_id}"


@dataclass
class Looked:
    """`seen`: the HTML of each place, as the browser has it. `planted`: what is there of a text that is more
    than text."""

    seen: dict[str, str] = field(default_factory=dict)
    planted: list[tuple[str, Any]] = field(default_factory=list)

    def look(self, page: Page, place: str) -> None:
        found = page.evaluate(LOOK)
        assert found["titles"] == 1, place
        self.seen[place] = found["html"]
        ran = [frame.evaluate("window.ran") for frame in page.frames]
        if found["planted"] or any(ran):
            self.planted.append((place, found["planted"] or ran))

    def check(self) -> None:
        assert not self.planted, "\n".join(f"{place}: {what}" for place, what in self.planted)

    def missing(self) -> list[tuple[str, str]]:
        """What was not seen where it should be: then it is not looked at either."""
        return [
            (name, place)
            for name, where in SHOWN.items()
            for place in where
            if not any(
                f"{as_shown}{quoted}" in self.seen[place]
                for as_shown in (name, _in_words(name))
                for quoted in ('"', "'", "&quot;")
            )
        ]


def _in_words(name: str) -> str:
    """As a reason is shown that is not known."""
    return name.replace("_", " ").capitalize()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "without scripts"])
def test_what_is_stored_is_text_on_every_page(shown: Shown, scripts: bool) -> None:
    shown.pages.expected += ["404", "421", "422", "Blocked script execution", "The specified value"]
    looked, opened = Looked(), {who: shown.new_page(who, scripts=scripts) for who in ("", *OTHERS)}
    for place in places():
        page = opened.get(place.partition(" ")[0], opened[""])
        shown.open(page, place)
        looked.look(page, place)
    looked.check()
    assert not looked.missing()
    assert not [place for place, html in looked.seen.items() if HIDDEN in html]


def test_what_scripts_write_is_text(shown: Shown) -> None:
    """What is shown beside the pointer, and what takes the place of what has changed."""
    looked, page = Looked(), shown.new_page("", scripts=True)
    shown.open(page, REPORT)
    for bar in page.locator("#waterfall details[open] > summary[data-tip]").all():
        bar.hover()
        expect(page.locator("#wf-tip")).to_have_text(bar.get_attribute("data-tip") or "")
    looked.look(page, REPORT)
    waterfall = page.locator("#waterfall").inner_html()
    for name in (
        *("reports.progress", "report_changes.data", "report_logs.records"),
        *("span.name", "span.service", "span.attribute", "span.error"),
    ):
        assert name in waterfall

    shown.open(page, LIST)
    page.evaluate("document.querySelector('#found').replaceChildren()")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#found [data-row]")).to_have_count(5)
    looked.look(page, LIST)
    looked.check()

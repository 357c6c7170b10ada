"""Nobody sees or does by a page what is not theirs: every route of the pages, asked by everybody."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from producer_api.app import create_app
from producer_api.permissions import Permission, declared, requires
from producer_api.web.routes import new_report
from tests.support.access import HERS, THEIRS, Access, Person, access
from tests.support.api_services import services_of
from tests.support.lifecycle_store import Store
from waybill.domain import Actor, NewReport, Report, Role, Secret
from waybill.ledger import IdempotencyKey, KeyInFlight
from waybill.store import DeadLetterFilter

pytest_plugins = ["tests.support.lifecycle_fixtures"]

HTML = {"Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin", **HTML}


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


@dataclass(frozen=True)
class Sent:
    """A form that a page sends. `needs`: who may, besides the admin."""

    needs: frozenset[Role]
    form: dict[str, Any] = field(default_factory=dict)


EVERYBODY = frozenset({Role.REQUESTER, Role.OPERATOR, Role.AUDITOR})
REQUESTERS = frozenset({Role.REQUESTER, Role.OPERATOR})
OPERATORS = frozenset({Role.OPERATOR})

PAGES: dict[str, frozenset[Role]] = {
    "/": EVERYBODY,
    "/reports": EVERYBODY,
    "/reports/new": REQUESTERS,
    "/reports/all": REQUESTERS,
    "/reports/views": EVERYBODY,
    "/operations/{operation_id}": EVERYBODY,
    "/reports/{report_id}": EVERYBODY,
    "/reports/{report_id}/files/{filename}": EVERYBODY,
    "/dead-letters": frozenset({Role.OPERATOR, Role.AUDITOR}),
    "/dead-letters/{letter_id}": frozenset({Role.OPERATOR, Role.AUDITOR}),
    "/kinds": EVERYBODY,
    "/kinds/{kind}": EVERYBODY,
}
QUERIES = {"/reports/all": "?action=cancel&kind=dowork"}
"""What a page needs to be asked for."""
FORMS: dict[str, Sent] = {
    "/kinds/{kind}/pause": Sent(frozenset()),
    "/kinds/{kind}/resume": Sent(frozenset()),
    "/reports/new": Sent(REQUESTERS, {"kind": "dowork"}),
    "/reports/new/forget": Sent(REQUESTERS, {"kind": "dowork", "name": "hers"}),
    "/reports/{report_id}/cancel": Sent(REQUESTERS, {"confirmed": "1"}),
    "/reports/{report_id}/retry": Sent(REQUESTERS),
    "/reports/{report_id}/rerun": Sent(REQUESTERS),
    "/reports/actions": Sent(REQUESTERS, {"id": "{report_id}", "action": "retry", "confirmed": "1"}),
    "/reports/views": Sent(EVERYBODY, {"name": "all", "kind": "dowork"}),
    "/reports/views/forget": Sent(EVERYBODY, {"name": "all", "owner": "ann"}),
    "/operations": Sent(
        REQUESTERS, {"action": "cancel", "filter": '{"kind": ["dowork"]}', "expected": "100"}
    ),
    "/dead-letters/redrive": Sent(OPERATORS, {"id": "{letter_id}", "confirmed": "1"}),
}


def ask(api: Access, who: Person | None, method: str, path: str, **options: Any) -> TestResponse:
    headers = {**options.pop("headers", HTML), **(who.headers if who else {})}
    return api.client.open(path, method=method, headers=headers, **options)


def made(api: Access, path: str, folder: Path) -> Report:
    """A report of hers: with a file where the page is of one, else one that is a dead letter."""
    return api.done(api.ann, folder) if "{filename}" in path else api.failed(api.ann)


def filled(api: Access, report: Report, text: str) -> str:
    values = {"report_id": report.id, "kind": "dowork", "filename": "report.txt"}
    if "{letter_id}" in text:
        (letter, *_) = api.services.dead_letters.page(DeadLetterFilter(redriven=True, limit=1))
        values["letter_id"] = letter.id
    if "{operation_id}" in text:
        values["operation_id"] = started(api)
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text + QUERIES.get(text, "")


def started(api: Access) -> str:
    """The id of an operation of hers."""
    form = FORMS["/operations"].form
    answer = ask(api, api.ann, "POST", "/operations", data=form, headers=OURS)
    return answer.headers["Location"].rpartition("/")[2]


def routes(api: Access, method: str) -> set[str]:
    """As werkzeug has them, with the names of the tables above."""
    return {
        rule.rule.replace("<", "{").replace(">", "}").replace("{string:", "{").replace("{path:", "{")
        for rule in api.client.application.url_map.iter_rules()
        if rule.endpoint.startswith("web.")
        and method in (rule.methods or ())
        and rule.endpoint != "web.asset"
    }


def test_every_page_is_in_the_tables_above(api: Access) -> None:
    assert routes(api, "GET") == set(PAGES)
    assert routes(api, "POST") == set(FORMS)
    assert all(
        declared(route) not in (None, Permission.NONE)
        for name, route in api.client.application.view_functions.items()
        if name.startswith("web.") and name != "web.asset"
    )


@pytest.mark.parametrize("path", sorted(set(FORMS) - set(PAGES)))
def test_the_address_of_a_form_leads_to_its_page(api: Access, path: str, tmp_path: Path) -> None:
    """A browser opens it after a sign-in that a form needed, or from its history."""
    report = made(api, path, tmp_path)
    address = filled(api, report, path)

    answer = ask(api, api.person("root", HERS, Role.ADMIN), "GET", address)

    assert answer.status_code == 303
    assert answer.headers["Location"] == (address.rpartition("/")[0] or "/")
    assert ask(api, api.ann, "GET", address, headers={}).mimetype == "application/problem+json"


def test_the_address_of_a_form_with_odd_characters_leads_to_no_other(api: Access) -> None:
    answer = ask(api, None, "GET", "/kinds/a%0Ab%3Fc/pause")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/kinds/a%0Ab%3Fc")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_those_who_may(api: Access, path: str, tmp_path: Path) -> None:
    report = made(api, path, tmp_path)
    path_of_hers = filled(api, report, path)

    for role in (Role.REQUESTER, Role.OPERATOR, Role.AUDITOR, Role.ADMIN):
        who = api.person(f"{role}-here", HERS, role)
        answer = ask(api, who, "GET", path_of_hers)
        may = role is Role.ADMIN or role in PAGES[path]
        of_ones_own = ("{report_id}" in path or "{operation_id}" in path) and role is Role.REQUESTER
        assert answer.status_code == (404 if of_ones_own else 200 if may else 403), role
        assert answer.mimetype == (
            "text/plain" if "{filename}" in path and may and not of_ones_own else "text/html"
        )
    assert ask(api, None, "GET", path_of_hers).status_code == 401


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_nothing_of_another_tenant(api: Access, path: str, tmp_path: Path) -> None:
    report = made(api, path, tmp_path)
    path_of_hers = filled(api, report, path)

    for role in (Role.REQUESTER, Role.OPERATOR, Role.AUDITOR):
        answer = ask(api, api.person(f"{role}-there", THEIRS, role), "GET", path_of_hers)
        assert answer.status_code in ((403, 404) if "_id}" in path else (200, 403)), role
        shown = answer.text if answer.status_code == 200 else ""  # an error may repeat what was asked for
        assert str(report.id) not in shown
        assert f">{api.ann.owner.name}<" not in shown


@pytest.mark.parametrize("path", FORMS)
def test_a_form_does_nothing_for_those_who_may_not(api: Access, path: str, tmp_path: Path) -> None:
    report = made(api, path, tmp_path)
    address = filled(api, report, path)
    form = {name: filled(api, report, value) for name, value in FORMS[path].form.items()}
    before = api.services.ledger.get(report.id)

    for role in (Role.REQUESTER, Role.OPERATOR, Role.AUDITOR):
        if role not in FORMS[path].needs:
            who = api.person(f"{role}-here", HERS, role)
            assert ask(api, who, "POST", address, data=form, headers=OURS).status_code == 403, role
        ask(api, api.person(f"{role}-there", THEIRS, role), "POST", address, data=form, headers=OURS)
    assert ask(api, None, "POST", address, data=form, headers=OURS).status_code == 401
    assert api.services.ledger.get(report.id) == before


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Origin": "https://evil.example"}],
    ids=["nothing", "cross-site", "none", "origin"],
)
def test_a_form_of_another_site_does_nothing(api: Access, path: str, headers: dict[str, str]) -> None:
    report = api.failed(api.ann)
    address = filled(api, report, path)
    form = {name: filled(api, report, value) for name, value in FORMS[path].form.items()}
    before = api.services.ledger.get(report.id)

    answer = ask(
        api,
        api.person("root", "default", Role.ADMIN),
        "POST",
        address,
        data=form,
        headers={**HTML, **headers},
    )

    assert answer.status_code == 403
    assert "Another site" in answer.text
    assert api.services.ledger.get(report.id) == before


def test_more_reports_than_were_asked_about_stay_as_they_are(api: Access) -> None:
    report = api.failed(api.ann)
    form = {"action": "retry", "filter": '{"kind": ["dowork"]}', "expected": "0"}

    answer = ask(api, api.ann, "POST", "/operations", data=form, headers=OURS)

    assert answer.status_code == 422
    assert "More reports match now than you were asked about" in answer.text
    assert 'name="expected" value="1"' in answer.text
    assert api.services.ledger.get(report.id) == report


@pytest.mark.parametrize(
    "wrong",
    [
        *({"filter": text} for text in ("", "{", "[]", '{"kind": 1}', '{"nothing": 1}', "{}")),
        *({"expected": text} for text in ("", "x", "1.5")),
        *({"action": text} for text in ("", "burn")),
        {"filter": '{"status": ["done"]}'},
    ],
    ids=str,
)
def test_an_operation_that_is_not_well_formed_is_refused(api: Access, wrong: dict[str, str]) -> None:
    report = api.failed(api.ann)
    form = {"action": "retry", "filter": '{"kind": ["dowork"]}', "expected": "9", **wrong}

    answer = ask(api, api.ann, "POST", "/operations", data=form, headers=OURS)

    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "text/html"
    assert api.services.ledger.get(report.id) == report


def test_only_those_who_may_pause_a_kind_are_offered_it(api: Access) -> None:
    for role, may in ((Role.REQUESTER, False), (Role.OPERATOR, False), (Role.ADMIN, True)):
        who = api.person(f"{role}-looks", HERS, role)
        assert (">Pause</button>" in ask(api, who, "GET", "/kinds/dowork").text) is may, role
    assert ask(api, who, "POST", "/kinds/dowork/pause", data={"reason": "r"}, headers=OURS).status_code == 303
    try:
        for role, may in ((Role.REQUESTER, False), (Role.ADMIN, True)):
            shown = ask(api, api.person(f"{role}-again", HERS, role), "GET", "/kinds/dowork").text
            assert "Paused" in shown
            assert (">Resume</button>" in shown) is may, role
            assert (f"by {who.owner.name}" in shown) is may, "who it was is for those who may do it"
            assert "Paused" in ask(api, who, "GET", "/kinds").text
    finally:
        ask(api, who, "POST", "/kinds/dowork/resume", data={"x": ""}, headers=OURS)


def test_a_paused_kind_that_is_not_here_is_resumed_from_the_list(api: Access) -> None:
    root = api.person("root", HERS, Role.ADMIN)
    api.services.kind_limits.pause(Actor(root.owner, "a key"), "gone:away", "its package was removed")
    shown = ask(api, root, "GET", "/kinds").text
    assert "gone:away" in shown
    assert 'action="/kinds/gone:away/resume"' in shown
    assert "/resume" not in ask(api, api.ann, "GET", "/kinds").text

    answer = ask(api, root, "POST", "/kinds/gone:away/resume", data={"x": ""}, headers=OURS)

    assert (answer.status_code, answer.headers.get("Location")) == (303, "/kinds"), answer.text
    assert "gone:away" not in ask(api, root, "GET", "/kinds").text


def test_what_a_page_may_load_and_run_is_its_own(api: Access) -> None:
    answer = ask(api, api.ann, "GET", "/reports")

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert "style=" not in answer.text
    assert "<script>" not in answer.text


def test_a_browser_that_has_the_page_gets_no_copy(api: Access) -> None:
    first = ask(api, api.ann, "GET", "/kinds")
    again = ask(api, api.ann, "GET", "/kinds", headers={**HTML, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_programs_get_problems_as_before(api: Access) -> None:
    for path in ("/nothing", "/api/v1/nothing", "/reports/7"):
        assert ask(api, api.ann, "GET", path, headers={}).mimetype == "application/problem+json"
    assert ask(api, api.ann, "GET", "/api/v1/nothing").mimetype == "application/problem+json"
    assert ask(api, api.ann, "GET", "/nothing").mimetype == "text/html"


@pytest.mark.parametrize(
    ("status", "method", "path", "options"),
    [
        (404, "GET", "/nothing", {}),
        (404, "GET", "/kinds/nothing", {}),
        (405, "POST", "/kinds/dowork", {"headers": OURS}),
        (413, "POST", "/reports/new", {"headers": OURS, "data": {"kind": "x" * 3_000_000}}),
        (403, "POST", "/kinds/dowork/pause", {"headers": OURS, "data": {"reason": ""}}),
        (403, "POST", "/reports/new", {"headers": {**HTML, "Sec-Fetch-Site": "cross-site"}}),
    ],
    ids=str,
)
def test_an_error_has_the_navigation_of_its_viewer(
    api: Access, status: int, method: str, path: str, options: dict[str, Any]
) -> None:
    for role, letters in ((Role.REQUESTER, False), (Role.OPERATOR, True)):
        who = api.person(f"{role}-lost", HERS, role)
        answer = ask(api, who, method, path, **options)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert (">Dead letters</a>" in answer.text) is letters, role
        assert ">New report</a>" in answer.text
        assert who.owner.name in answer.text
        assert "private" in answer.headers["Cache-Control"]


def test_an_error_of_a_client_that_is_not_known_says_nothing_of_anybody(api: Access) -> None:
    for headers in (HTML, {**HTML, "Authorization": f"Bearer {Secret.new()}"}):
        answer = api.client.get("/nothing", headers=headers)
        assert answer.status_code == 404
        assert ">Reports</a>" in answer.text
        assert ">New report</a>" not in answer.text
        assert ">Dead letters</a>" not in answer.text


def test_what_goes_wrong_here_has_the_navigation_of_its_viewer(api: Access) -> None:
    def breaks() -> str:
        raise AssertionError("a fault of ours")

    app = api.client.application
    app.add_url_rule("/breaks", view_func=requires(Permission.READ)(breaks))
    answer = ask(api, api.person("op", HERS, Role.OPERATOR), "GET", "/breaks")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert ">Dead letters</a>" in answer.text
    assert "a fault of ours" not in answer.text


@pytest.mark.parametrize("auth", ["none", "key"])
def test_an_error_needs_no_database(tmp_path: Path, auth: str) -> None:
    services = services_of(tmp_path, auth=auth)
    try:
        client = create_app(services).test_client()
        for path, status in (("/reports", 503), ("/nothing", 404)):
            headers = {**HTML, **({"Authorization": f"Bearer {Secret.new()}"} if auth == "key" else {})}
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.mimetype) == (status, "text/html")
            assert ">Reports</a>" in answer.text
            assert (">Dead letters</a>" in answer.text) is (auth == "none"), "a key cannot be looked up"
    finally:
        services.runtime.close()


@pytest.mark.parametrize("times", [1, 1000], ids=["a moment", "for long"])
def test_a_form_that_is_sent_twice_at_once_leads_to_its_report(
    api: Access, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, left = api.services.ledger.accept, iter(range(times))

    def busy(new: NewReport, key: IdempotencyKey | None = None) -> Report:
        if next(left, None) is not None:
            raise KeyInFlight("The same request is under way.")
        return accept(new, key)

    monkeypatch.setattr(api.services.ledger, "accept", busy)
    monkeypatch.setattr(new_report, "_UNDER_WAY", 0)

    form = {"kind": "dowork", "key": "once", "p.steps": "3"}
    answer = ask(api, api.ann, "POST", "/reports/new", data=form, headers=OURS)

    if times == 1:
        assert answer.status_code == 303
        again = ask(api, api.ann, "POST", "/reports/new", data=form, headers=OURS)
        assert again.headers["Location"] == answer.headers["Location"]
        return
    assert answer.status_code == 409
    assert "Send it again" in answer.text
    assert all(f'name="{name}" value="{value}"' in answer.text for name, value in form.items())

"""Filters of the list of reports are kept under a name, for their owner, or for all of its tenant."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.access import HERS, THEIRS, Access, Person, access
from tests.support.lifecycle_store import Store
from waybill.domain import Action, Role
from waybill.store import AuditFilter

pytest_plugins = ["tests.support.lifecycle_fixtures"]

HTML = {"Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin", **HTML}
FAILED = {"status": "fail", "within": "24h"}


@pytest.fixture
def api(store: Store, store_url: str, tmp_path: Path) -> Iterator[Access]:
    with access(store_url, tmp_path) as opened:
        yield opened


def save(api: Access, by: Person, name: str, fields: dict[str, Any], **more: str) -> TestResponse:
    form = {**fields, "name": name, **more}
    return api.client.post("/reports/views", data=form, headers={**OURS, **by.headers})


def forget(api: Access, by: Person, name: str, of: Person) -> TestResponse:
    form = {"name": name, "owner": of.owner.name}
    return api.client.post("/reports/views/forget", data=form, headers={**OURS, **by.headers})


def views(api: Access, by: Person, path: str = "/reports/views") -> dict[str, str]:
    """The address of each that is offered, by its name; on the list with the one who shares it."""
    text = api.client.get(path, headers={**HTML, **by.headers}).text
    offered = re.search(r'<nav class="views".*?</nav>|<tbody>.*?</tbody>', text, re.DOTALL)
    links = re.findall(r'<a href="(/reports\?[^"]*)"[^>]*>(.*?)</a>', offered[0]) if offered else ()
    return {
        re.sub("<.*?>", "", html.unescape(name)): html.unescape(address)
        for address, name in links
        if not address.startswith("/reports/views")
    }


def test_a_view_is_saved_replaced_and_removed(api: Access) -> None:
    saved = save(api, api.ann, " What failed / today ", FAILED)
    assert saved.status_code == 422, "a name may have no slash"

    saved = save(api, api.ann, " What failed é ", FAILED)
    assert (saved.status_code, saved.location) == (303, "/reports?status=fail&within=24h")
    assert views(api, api.ann) == {"What failed é": "/reports?status=fail&within=24h"}
    assert views(api, api.ann, "/reports") == views(api, api.ann)

    save(api, api.ann, "What failed é", {"tag": "a b", "parameter.month": "7"})
    assert views(api, api.ann) == {"What failed é": "/reports?tag=a+b&parameter.month=7"}

    removed = forget(api, api.ann, "What failed é", api.ann)
    assert (removed.status_code, removed.location) == (303, "/reports/views")
    assert views(api, api.ann) == {}
    assert forget(api, api.ann, "What failed é", api.ann).status_code == 303


def test_the_list_marks_the_view_that_it_shows_and_offers_to_save_another(api: Access) -> None:
    save(api, api.ann, "failed", FAILED)

    def shown(path: str) -> str:
        return api.client.get(path, headers={**HTML, **api.ann.headers}).text

    current = '<a href="/reports?status=fail&amp;within=24h" aria-current="true">failed</a>'
    assert current in shown("/reports?within=24h&status=fail")
    assert "Save this view" not in shown("/reports?within=24h&status=fail")
    assert current not in shown("/reports?status=fail&tag=x")
    assert 'href="/reports/views?status=fail&amp;tag=x">Save this view' in shown("/reports?status=fail&tag=x")
    assert "Save this view" not in shown("/reports")
    assert "Save this view" not in shown("/reports?within=never")


def test_what_is_not_shared_is_its_owners_alone(api: Access) -> None:
    bob, olga = api.person("bob", HERS, Role.REQUESTER), api.person("olga", HERS, Role.OPERATOR)
    save(api, api.ann, "mine", FAILED)

    for other in (bob, olga):
        assert views(api, other) == {}
        forget(api, other, "mine", api.ann)
    assert list(views(api, api.ann)) == ["mine"]


def test_what_is_shared_is_for_all_of_the_tenant(api: Access) -> None:
    olga, gil = api.person("olga", HERS, Role.OPERATOR), api.person("gil", THEIRS, Role.OPERATOR)
    save(api, olga, "failed", FAILED, shared="on")
    save(api, api.ann, "z", {"tag": "z"})

    assert list(views(api, api.ann)) == ["z", "failed"], "her own are first"
    assert list(views(api, api.ann, "/reports")) == ["z", "failed olga"]
    assert views(api, gil) == {}
    assert forget(api, api.ann, "failed", olga).status_code == 403
    forget(api, gil, "failed", olga)
    assert list(views(api, olga)) == ["failed"]

    forget(api, api.person("oscar", HERS, Role.OPERATOR), "failed", olga)
    assert list(views(api, api.ann)) == ["z"]


def test_a_shared_view_of_reports_that_one_may_not_see_is_not_offered(api: Access) -> None:
    olga, bob = api.person("olga", HERS, Role.OPERATOR), api.person("bob", HERS, Role.REQUESTER)
    save(api, olga, "ann's", {"owner": "ann"}, shared="on")

    assert list(views(api, api.ann)) == ["ann's"]
    assert views(api, bob) == {}


def test_not_everybody_may_share(api: Access) -> None:
    assert save(api, api.ann, "ours", FAILED, shared="on").status_code == 403
    assert save(api, api.ann, "theirs", {"owner": "bob"}).status_code == 403
    assert views(api, api.ann) == {}


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("", FAILED, "must have 1 to 100 characters"),
        ("  ", FAILED, "must have 1 to 100 characters"),
        ("x" * 101, FAILED, "must have 1 to 100 characters"),
        ("a\nb", FAILED, "must have 1 to 100 characters"),
        ("x", {"kind": ",".join(f"{n:0>99}" for n in range(20))}, "too long: 1000 characters at most"),
        ("x", {}, "No filter is set"),
        ("x", {"cursor": "01979a2b-0000-7000-8000-000000000000"}, "No filter is set"),
        ("x", {"within": "never"}, "within: must be one of"),
        ("x", {"status": "asleep"}, "status: "),
        ("x", {"tag": "\0"}, "must not have U+0000"),
    ],
)
def test_what_is_wrong_is_refused(api: Access, name: str, fields: dict[str, str], said: str) -> None:
    answer = save(api, api.ann, name, fields)

    assert (answer.status_code, answer.mimetype) == (422, "text/html"), answer.text
    assert said in answer.text
    assert views(api, api.ann) == {}


def test_a_form_for_a_wrong_filter_leads_to_the_list_which_says_what_is_wrong(api: Access) -> None:
    answer = api.client.get("/reports/views?within=never", headers={**HTML, **api.ann.headers})

    assert (answer.status_code, answer.location) == (303, "/reports?within=never")


def test_an_owner_has_a_bounded_number(api: Access) -> None:
    for number in range(50):
        api.services.saved_views.put(api.ann.owner, f"{number:02}", {"tag": f"{number}"}, shared=False)

    refused = save(api, api.ann, "one more", FAILED)

    assert refused.status_code == 422
    assert "You have 50 views already" in refused.text
    assert save(api, api.ann, "07", FAILED).status_code == 303, "it replaces one"
    assert len(views(api, api.ann)) == 50
    first = [f"{number:02}" for number in range(5)]
    assert list(views(api, api.ann, "/reports")) == first
    assert list(views(api, api.ann, "/reports?tag=30")) == [*first, "30"], "also the one that is shown"


def test_many_that_others_share_leave_room_for_ones_own(api: Access) -> None:
    for olga in (api.person(f"olga-{number}", HERS, Role.OPERATOR) for number in range(3)):
        for number in range(40):
            api.services.saved_views.put(olga.owner, f"a{number:02}", {"tag": "a"}, shared=True)
    save(api, api.ann, "z", FAILED)

    usable = api.services.saved_views.usable(api.ann.owner)

    assert (usable[0].name, len(usable)) == ("z", 100)


def test_the_audit_has_it(api: Access) -> None:
    save(api, api.ann, "mine", FAILED)
    forget(api, api.ann, "mine", api.ann)
    forget(api, api.ann, "mine", api.ann)

    entries = api.services.ledger.audit(AuditFilter())
    of_views = [one.event for one in entries if one.event.actor.owner == api.ann.owner]
    assert [(one.action, one.subject, one.tenant) for one in of_views] == [
        (Action.REMOVE_VIEW, "mine", HERS),
        (Action.SAVE_VIEW, "mine", HERS),
    ]

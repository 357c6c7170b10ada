"""A browser that looks at pages on which every text would be more than text, if it were shown as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from playwright.sync_api import Browser, Page

from local.stack import Endpoints
from tests.support.access import HERS, Person, access, listening
from tests.support.browser import Pages, opened_pages
from tests.support.hostile_files import TYPES, name_of
from tests.support.hostile_store import KIND, Trace, filled
from tests.support.hostile_texts import HIDDEN, hostile, write_definitions
from tests.support.hostile_trace import is_kept, send
from tests.support.issuer import issuing, settings_to_sign_in
from tests.support.lifecycle_store import Store
from tests.support.waiting import eventually
from waybill.domain import Actor, Owner, Role

OTHERS: Final[dict[str, dict[str, str]]] = {
    "ISSUER": {},
    "PROXY": {
        "X-Forwarded-User": hostile("proxy.user"),
        "X-Forwarded-Proto": f"<img src=x>{HIDDEN}",
        "X-Forwarded-Prefix": f"/<img src=x>{HIDDEN}",
    },
    "STRAY": {"X-Forwarded-Host": hostile("proxy.host").replace('"', "")},
}
"""The headers of those without a key: who signs in at an issuer, whom a proxy names, who means another."""
LOOK: Final = """() => ({
  html: document.documentElement.outerHTML,
  titles: document.querySelectorAll("h1").length,
  planted: [...document.querySelectorAll("img[src=x], [onerror]")].map((one) => one.outerHTML),
})"""
"""What a page has: `planted` is what a text has become that is more than text."""
_SEND: Final = """([address, fields]) => {
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: address});
  for (const [name, value] of fields) {
    const field = document.createElement("textarea");
    Object.assign(field, {name, value});
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}"""


@dataclass
class Shown:
    """`values`: what is filled into addresses. `token`: of one who may see everything."""

    pages: Pages
    values: dict[str, str]
    token: str

    def new_page(self, who: str, *, scripts: bool) -> Page:
        """`who`: of `OTHERS`, or empty."""
        headers = OTHERS.get(who, {"Authorization": f"Bearer {self.token}"})
        return self.pages.new_page(extra_http_headers=headers, java_script_enabled=scripts)

    def open(self, page: Page, place: str) -> None:
        """An address; after `POST `, that of a form, whose fields are those of the query."""
        verb, _, address = place.format(**self.values).rpartition(" ")
        if verb != "POST":
            page.goto(address)
            return
        path, _, query = address.partition("?")
        with page.expect_navigation():
            page.evaluate(_SEND, [path, parse_qsl(query)])


@contextmanager
def hostile_pages(
    browser: Browser, endpoints: Endpoints, store: Store, store_url: str, folder: Path
) -> Iterator[Shown]:
    """With the spans of a report in the stack's Jaeger."""
    with issuing() as issuer:
        issuer.id_claims = {"sub": hostile("issuer.subject")}
        settings: dict[str, Any] = {
            **settings_to_sign_in(issuer),
            "auth": "key,oidc,proxy",
            "trusted_proxies": "127.0.0.1",
            "listen": "127.0.0.1:8080",
            "definitions": str(write_definitions(folder / "definitions")),
            "jaeger_url": endpoints.jaeger_url,
        }
        with access(store_url, folder, **settings) as api:
            trace = Trace()
            send(endpoints.otlp_endpoint, trace)
            owner = Owner.named(HERS, hostile("api_keys.owner"))
            _, secret = api.services.api_keys.create(Actor(owner, "the test"), "hers", owner, [Role.ADMIN])
            ids = filled(api, store, Person("", owner, str(secret)), folder, trace)
            eventually(lambda: is_kept(endpoints.jaeger_url, trace), "its spans are in Jaeger")
            with listening(api.client.application) as url, opened_pages(browser, url) as pages:
                yield Shown(pages, {**ids, **in_addresses()}, str(secret))


def in_addresses() -> dict[str, str]:
    """Texts as an address has them."""
    texts = {
        "kind": KIND,
        "text": hostile("address"),
        "long": hostile("address") * 3,
        "set": hostile("parameter_sets.name"),
        "tag": hostile("reports.tags"),
        "reason": hostile("dead_letters.reason"),
        **{ending: name_of(ending) for ending in TYPES},
    }
    return {name: quote(text) for name, text in texts.items()}

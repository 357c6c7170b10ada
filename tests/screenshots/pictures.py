"""Which pictures there are, and how one is taken."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from tests.screenshots.scene import Scene
from tests.support.browser import DESKTOP, PHONE, screenshot

Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Picture:
    """Of one page, as one browser shows it."""

    name: str
    path: str
    scheme: Scheme
    is_phone: bool

    @property
    def file(self) -> str:
        return f"{self.name}-{'phone' if self.is_phone else 'desktop'}-{self.scheme}.png"


def pictures(scene: Scene | None) -> Iterator[Picture]:
    """Of all pages; without a scene, of those of a new installation."""
    for name, path in _pages(scene).items():
        for is_phone in (False, True):
            yield Picture(name, path, "light", is_phone)
            yield Picture(name, path, "dark", is_phone)


def take(browser: Browser, url: str, picture: Picture, folder: Path) -> Path:
    """The file of the picture."""
    context = browser.new_context(
        base_url=url, viewport=PHONE if picture.is_phone else DESKTOP, color_scheme=picture.scheme
    )
    try:
        page = context.new_page()
        page.goto(picture.path)
        page.wait_for_timeout(400)
        screenshot(page, folder / picture.file)
    finally:
        context.close()
    return folder / picture.file


def _pages(scene: Scene | None) -> dict[str, str]:
    if scene is None:
        return {"empty-overview": "/", "empty-reports": "/reports", "empty-dead-letters": "/dead-letters"}
    return {
        "overview": "/",
        "reports": "/reports",
        "reports-none-found": "/reports?tag=nothing-has-this",
        "new-report": "/reports/new",
        "new-report-form": "/reports/new?kind=flights",
        "new-report-definition": "/reports/new?kind=query:late-flights",
        "report-done": f"/reports/{scene.done}",
        "report-failed": f"/reports/{scene.failed}",
        "report-running": f"/reports/{scene.running}",
        "report-definition": f"/reports/{scene.defined}",
        "reports-filtered": "/reports?kind=flights&tag=month-end",
        "saved-views": "/reports/views?status=done&within=7d",
        "operation-question": "/reports/all?action=delete&kind=flights&tag=month-end",
        "operation": f"/operations/{scene.operation}",
        "dead-letters": "/dead-letters",
        "dead-letter": f"/dead-letters/{scene.letter}",
        "kinds": "/kinds",
        "kind": "/kinds/query:late-flights",
        "api-reference": "/api/v1/docs#post-api-v1-reports",
        "not-found": "/nothing",
    }

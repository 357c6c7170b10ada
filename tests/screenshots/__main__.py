"""Takes a picture of every page of a stack of its own, with reports of every sort, in a real Chromium."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from local.stack import Stack
from tests.screenshots.pictures import pictures, take
from tests.screenshots.scene import make_scene
from tests.support.browser import MISSING, find_chromium, launch
from tests.support.kafka import Topics
from waybill_client import WaybillClient

FOLDER = Path("build/screenshots")


def main() -> int:
    executable = find_chromium()
    if executable is None:
        print(MISSING)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with ExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="waybill-screenshots-"))
        stack = exits.enter_context(Stack.start(Path(folder) / "stack", with_examples=True))
        client = exits.enter_context(WaybillClient(stack.endpoints.api_url))
        playwright = exits.enter_context(sync_playwright())
        browser = launch(playwright, executable)
        exits.callback(browser.close)
        empty = pictures(None)
        shown = [take(browser, stack.endpoints.api_url, one, FOLDER) for one in empty]
        scene = make_scene(client, Topics(stack.endpoints.kafka_bootstrap))
        shown += [take(browser, stack.endpoints.api_url, one, FOLDER) for one in pictures(scene)]
    for file in shown:
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())

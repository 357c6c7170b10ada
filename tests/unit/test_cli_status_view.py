"""What is shown of a running report on a terminal."""

import json
from io import StringIO

from rich.console import Console

from tests.support.answers import event
from waybill_client import StatusEvent
from waybill_client.cli.status_view import BarView


def test_a_bar_shows_kind_and_news_as_they_are() -> None:
    step = {"name": "s [/red] :key:", "status": "running"}
    text = event(2, step=step, kind="[b]", progress={"step": "s", "done": 1, "total": 2})
    screen = StringIO()
    with BarView(Console(file=screen, width=120, force_terminal=True, color_system=None)) as view:
        view.show(StatusEvent.model_validate(json.loads(text.partition("data: ")[2])))

    shown = screen.getvalue()
    assert "[b]" in shown
    assert "processing s [/red] :key: running" in shown
    assert "1/2" in shown

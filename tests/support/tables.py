"""Tables of the documentation that a test makes: it finds out all of it each time, and compares."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.checkout import ROOT

SECURITY = ROOT / "docs/security.md"
WRITE = "WAYBILL_WRITE_DOCS"
"""The variable that has a test write the table that it compares with."""


def table_of(columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """In Markdown; a row is its name and its cells."""
    head = f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
    return head + "".join(f"| {name} | {' | '.join(cells)} |\n" for name, cells in rows)


def is_on_page(table: str, name: str, page: Path = SECURITY) -> None:
    """Fails where the page has another one after its comment `name`."""
    place = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    text = page.read_text()
    wanted = place.search(text)
    assert wanted is not None, f"{page.name} has no place for the table"
    if os.environ.get(WRITE):
        page.write_text(place.sub(lambda _: table, text))
    else:
        assert table == wanted[0], f"{page.name} differs: if it should, run this with {WRITE}=1"

"""The files of a report, with texts that would be more than text on a page that shows them as they are."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyarrow
import pyarrow.parquet

from report_worker.previews import preview_of
from tests.support.access import Access
from tests.support.hostile_texts import hostile
from waybill.domain import Report, StoredArtefact
from waybill.kinds import Artefact

_SCRIPT: Final = "<script>ran = parent.ran = 1</script>"
TYPES: Final = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "html": "text/html",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "lost": "text/plain",
    "odd": "application/octet-stream",
}


def name_of(ending: str) -> str:
    return hostile(f"file.{ending}")


def written(folder: Path) -> Mapping[str, Path]:
    """One of each type, by its ending."""
    paths = {ending: folder / f"file.{ending}" for ending in TYPES}
    cell = hostile("csv.cell").replace('"', '""')
    paths["csv"].write_text(f'"{hostile("csv.column").replace(chr(34), chr(34) * 2)}"\n"{cell}"\n')
    table = pyarrow.table({hostile("parquet.column"): [hostile("parquet.cell")]})
    pyarrow.parquet.write_table(table, paths["parquet"])
    paths["html"].write_text(f"<!doctype html><p>A page</p>{_SCRIPT}")
    paths["svg"].write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{_SCRIPT}</svg>')
    paths["txt"].write_text(hostile("text.content"))
    paths["lost"].write_text("It is removed below.")
    paths["odd"].write_bytes(bytes(range(256)))
    return paths


def kept(api: Access, report: Report, folder: Path) -> tuple[list[StoredArtefact], dict[str, str]]:
    """The files of its first attempt in the store, under hostile names; and the previews that a worker makes
    of them, by these names."""
    stored, previews = [], {}
    for ending, path in written(folder).items():
        artefact = Artefact(path, TYPES[ending], name_of(ending))
        with io.FileIO(path) as file:
            stored.append(api.services.artefacts.put(report.owner.tenant, report.id, 1, artefact, file))
        if rows := preview_of(path, TYPES[ending]):
            previews[name_of(ending)] = rows
    (lost,) = folder.rglob(f"{report.id}/1/*.lost*")
    lost.unlink()
    return stored, previews

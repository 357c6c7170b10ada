"""Which column of a report has what of its artefacts.

`artefact` is the first, as processes of the version before write and read it, which know no other field of
it. `artefacts` are all of them, where there are several or where they say which outputs they are; else it is
null. Those processes leave it as it was: it counts only where its first is the `artefact` of now, and a key
has the attempt in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from waybill.domain import StoredArtefact

BYTES = """CASE WHEN artefacts -> 0 ->> 'key' = artefact ->> 'key'
    THEN (SELECT sum((one ->> 'size')::bigint) FROM jsonb_array_elements(artefacts) AS one)
    ELSE (artefact ->> 'size')::bigint END"""
"""The size of all of them, in a statement on `reports`."""


def columns(artefacts: Sequence[StoredArtefact]) -> dict[str, Any]:
    """What of the columns is not null."""
    if not artefacts:
        return {}
    first = {name: value for name, value in asdict(artefacts[0]).items() if name != "output"}
    if len(artefacts) == 1 and artefacts[0].output is None:
        return {"artefact": first}
    return {"artefact": first, "artefacts": [_without_null(asdict(one)) for one in artefacts]}


def stored(row: Mapping[str, Any]) -> tuple[StoredArtefact, ...]:
    """All of a row's."""
    first, every = row["artefact"], row["artefacts"]
    if not first:
        return ()
    if every and every[0]["key"] == first["key"]:
        return tuple(StoredArtefact(**one) for one in every)
    return (StoredArtefact(**first),)


def _without_null(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}

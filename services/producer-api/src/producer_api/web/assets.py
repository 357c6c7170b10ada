"""The stylesheet, the scripts and the icon of the pages."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.assets import ASK_AGAIN, FOR_EVER, Asset
from producer_api.problems import Problem

STYLESHEET: Final = "waybill.css"
_POLICY = "default-src 'none'; frame-ancestors 'none'"
_MEDIA_TYPES = {"js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@cache
def assets() -> dict[str, Asset]:
    """By name. Read and compressed once in a process."""
    static = files(__package__) / "static"
    styles = b"\n".join(file.read_bytes() for file in _sorted(static / "styles"))
    found = {STYLESHEET: Asset.of("text/css; charset=utf-8", styles)}
    for file in (*_sorted(static / "scripts"), static / "icon.svg"):
        found[file.name] = Asset.of(_MEDIA_TYPES[file.name.rpartition(".")[2]], file.read_bytes())
    return found


@cache
def version() -> str:
    """Changes with any of them: scripts import each other by relative addresses."""
    together = "".join(f"{name} {asset.etag}\n" for name, asset in sorted(assets().items()))
    return hashlib.sha256(together.encode()).hexdigest()[:12]


def register_assets(routes: APIBlueprint) -> None:
    @routes.get("/assets/<of>/<name>")
    @requires(Permission.NONE)
    def asset(of: str, name: str) -> Response:
        """Pages of another version ask for theirs, during an update: they get these, for now."""
        if name not in assets():
            raise Problem("not-found", "The pages have no such file.")
        return assets()[name].response(_POLICY, FOR_EVER if of == version() else ASK_AGAIN)


def _sorted(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda file: file.name)

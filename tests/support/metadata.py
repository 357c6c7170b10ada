"""Kinds that are found without being installed."""

import tomllib
from pathlib import Path


def write_metadata(package: Path, folder: Path) -> Path:
    """What installing `package` would leave, made in `folder` from its pyproject.toml: the entry points by
    which kinds are found. It is for `PYTHONPATH`, beside the package's own sources."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    entries = project["entry-points"]["waybill.kinds"]
    lines = ["[waybill.kinds]", *(f"{name} = {target}" for name, target in entries.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder

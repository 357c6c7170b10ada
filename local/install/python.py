"""The checkout's virtual environment, and wheels that bring programs: all by uv, itself from a wheel."""

import ast
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local import cache
from local.install.context import Context
from local.paths import CHECKOUT

VENV = CHECKOUT / ".venv"
_STAMP = VENV / "waybill-setup"
_UV_REQUIREMENTS = CHECKOUT / "local/requirements/uv.txt"
_REQUIREMENTS = CHECKOUT / "tests/requirements.txt"
_PACKAGES = ("services/common", "services/client", "services/producer-api", "services/report-worker")


def is_current() -> bool:
    """Whether the environment was made from the files as they are now, by this version of Python."""
    return _STAMP.exists() and _STAMP.read_text() == _fingerprint()


def install(context: Context) -> None:
    with cache.locked(cache.name_for("venv", VENV), context.waiting):
        if not is_current():
            _make_environment(context)
    count = sum(1 for _ in VENV.glob("lib/python*/site-packages/*.dist-info"))
    context.say(f"{platform.python_version()}: {count} packages in {VENV}")


def unpack_once(context: Context, requirements: Path, home: Path) -> None:
    """Unpacks the wheels of a requirements file with hashes into a folder of the cache, unless it exists."""

    def unpack(target: Path) -> None:
        options = ("--no-deps", "--require-hashes", "--target", str(target), "-r", str(requirements))
        _uv(context, f"{requirements.stem} {pinned_version(requirements)}", "pip", "install", *options)

    cache.make_once(home, unpack, context.waiting)


def add_package(context: Context, package: Path) -> None:
    """Installs a package of the user's, editable, into the checkout's environment; its dependencies too."""
    _uv(context, f"installing {package.name}", "pip", "install", "--no-build-isolation", "-e", str(package))


def pinned_version(requirements: Path) -> str:
    """Of the package that a requirements file is named after."""
    name = re.escape(requirements.stem)
    match = re.search(rf"^{name}==([\w.]+)", requirements.read_text(), re.MULTILINE)
    if not match:
        raise ValueError(f"{requirements} does not pin {requirements.stem}")
    return match[1]


def _fingerprint() -> str:
    files = [_REQUIREMENTS, *(CHECKOUT / package / "pyproject.toml" for package in _PACKAGES)]
    return f"{platform.python_implementation()} {platform.python_version()} {cache.digest(*files)}\n"


def _make_environment(context: Context) -> None:
    _STAMP.unlink(missing_ok=True)
    if not _has_this_python(VENV):
        _uv(context, "virtual environment", "venv", "--clear", "--python", sys.executable, str(VENV))
    sync = ("pip", "sync", "--require-hashes", str(_REQUIREMENTS))
    _uv(context, f"packages of {_REQUIREMENTS.relative_to(CHECKOUT)}", *sync)
    editable = [option for package in _PACKAGES for option in ("-e", str(CHECKOUT / package))]
    # Bytecode of all packages at once: a process that may not write it would take seconds for each start.
    install = ("pip", "install", "--no-deps", "--no-build-isolation", "--compile-bytecode", *editable)
    _uv(context, "our own packages, and everyone's bytecode", *install)
    _STAMP.write_text(_fingerprint())


def _has_this_python(venv: Path) -> bool:
    try:
        configuration = (venv / "pyvenv.cfg").read_text()
    except FileNotFoundError:
        return False
    version = re.search(r"^version_info = ([\d.]+)", configuration, re.MULTILINE)
    return version is not None and version[1] == platform.python_version() and (venv / "bin/python").exists()


def uv(context: Context) -> Path:
    """The program, installed at the first call."""
    home = cache.root() / f"uv-{pinned_version(_UV_REQUIREMENTS)}"
    cache.make_once(home, lambda target: _install_uv(context, target), context.waiting)
    return home / "uv"


def uv_environment() -> dict[str, str]:
    return {
        "VIRTUAL_ENV": str(VENV),
        "UV_CACHE_DIR": str(cache.root() / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        **_index_settings(),
    }


def _uv(context: Context, what: str, *arguments: str) -> None:
    context.run(
        what,
        (str(uv(context)), *arguments),
        environment=uv_environment(),
        on_line=lambda line: context.say(f"{what}: {line.strip()}"),
    )


def _install_uv(context: Context, target: Path) -> None:
    """By this Python's pip, else by that of a virtual environment; only the program is kept."""
    work = target / "pip"
    interpreter = sys.executable
    if importlib.util.find_spec("pip") is None:
        context.run("an environment for pip", (sys.executable, "-m", "venv", str(work / "venv")))
        interpreter = str(work / "venv/bin/python")
    pip = (
        interpreter,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    )
    context.run("uv by pip", (*pip, "--target", str(work / "uv"), "-r", str(_UV_REQUIREMENTS)))
    shutil.move(work / "uv/bin/uv", target / "uv")
    shutil.rmtree(work)


def _index_settings() -> dict[str, str]:
    """For uv: pip's configuration of where packages are, unless uv has its own."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found = uv_settings(listing)
    return {name: value for name, value in found.items() if name not in os.environ}


def uv_settings(pip_config: str) -> Mapping[str, str]:
    """uv's variables for what `pip config list` prints, as `global.index-url='https://…'`; `:env:` wins."""
    options: dict[str, str] = {}
    for line in sorted(pip_config.splitlines(), key=lambda line: line.startswith(":env:")):
        if match := re.fullmatch(r"(?:global|install|:env:)\.([\w-]+)=(.*)", line):
            options[match[1]] = str(ast.literal_eval(match[2]))
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "trusted-host": "UV_INSECURE_HOST",
    }
    settings = {uv: " ".join(options[pip].split()) for pip, uv in names.items() if pip in options}
    if "cert" in options:
        settings["SSL_CERT_FILE"] = options["cert"]
    links = [link for link in options.get("find-links", "").split() if "://" in link or Path(link).exists()]
    if links:
        settings["UV_FIND_LINKS"] = ",".join(links)
    return settings

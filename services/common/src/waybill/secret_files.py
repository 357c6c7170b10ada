"""Settings that hold secrets: each may be in a file, which a variable with `_FILE` behind its name names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAX_BYTES = 64 * 1024
SUFFIX: Final = "_FILE"


@dataclass(frozen=True)
class Secret:
    """Marks a field: `Annotated[str, SECRET]`. Its value may be in a file, and is not shown."""


SECRET: Final = Secret()


class UnusableSecret(ValueError):  # noqa: N818 - the name is the sentence
    """The sentence names neither the file, in whose place the secret may have been given by mistake, nor what
    is in it."""


def find_secret(variable: str, environment: Mapping[str, str]) -> str | None:
    """What the file holds that `variable` with `_FILE` behind it names, without line ends after it; None
    where no file is named. Raises `UnusableSecret`."""
    file = environment.get(f"{variable}{SUFFIX}")
    if not file:
        return None
    if environment.get(variable):
        raise UnusableSecret(f"set this or {variable}, not both")
    return read_secret(Path(file))


def read_secret(file: Path) -> str:
    """What is in the file, without line ends after it. Raises `UnusableSecret`."""
    try:
        if not file.is_file() and file.exists():
            raise UnusableSecret("what it names is no file")
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UnusableSecret(f"cannot read the file: {error.strerror}") from None
    if len(content) > _MAX_BYTES:
        raise UnusableSecret(f"the file is larger than {_MAX_BYTES} bytes")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UnusableSecret("the file is no UTF-8 text") from None
    if not secret:
        raise UnusableSecret("the file is empty")
    return secret

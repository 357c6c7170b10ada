"""Files of a bucket, copied to a directory: DuckDB itself reaches no network."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from report_worker.query.deadline import Deadline
from report_worker.query.sources import FilesSource, WrongSource, secret_value
from waybill.errors import PermanentError, RetryableError
from waybill.redaction import REDACTED, redacted

if TYPE_CHECKING:
    from obstore.store import ClientConfig

_CHUNK = 2**20
_MAX_FILES = 10_000
_CLIENT = frozenset(
    {
        *(
            "allow_http",
            "allow_invalid_certificates",
            "connect_timeout",
            "default_content_type",
            "http1_only",
        ),
        *(
            "http2_keep_alive_interval",
            "http2_keep_alive_timeout",
            "http2_keep_alive_while_idle",
            "http2_only",
        ),
        *("http2_max_frame_size", "pool_idle_timeout", "pool_max_idle_per_host", "proxy_ca_certificate"),
        *("proxy_excludes", "proxy_url", "randomize_addresses", "read_timeout", "timeout", "user_agent"),
    }
)
"""Names of obstore's HTTP client, which it breaks at among those of a bucket."""


def copy_files(
    source: FilesSource,
    patterns: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    deadline: Deadline,
) -> None:
    """Those whose keys match one of the patterns, below `directory` by their keys. Raises `RetryableError`
    where the bucket does not answer, and `PermanentError` for no file, and more than there may be."""
    if not patterns:
        raise PermanentError("files: name those that the step reads, such as 2026/*.parquet.")
    store = _open(source, environment, deadline.limit)
    try:
        left = source.max_bytes
        for number, (key, size) in enumerate(_matching(store, patterns), 1):
            left -= size
            if left < 0 or number > _MAX_FILES:
                raise PermanentError(
                    f"files: they have more than {source.max_bytes // 2**20} MiB, or are more than"
                    f" {_MAX_FILES:,}: choose fewer, or raise max_bytes of the source."
                )
            _copy(store, key, size, directory, deadline)
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise PermanentError(f"The bucket refuses the source's credentials: {_reason(error)}") from None
    except BaseError as error:
        raise RetryableError(f"The bucket cannot be read: {_reason(error)}") from None
    except OSError as error:
        raise RetryableError(f"A file of the bucket cannot be copied: {_reason(error)}") from None
    if left == source.max_bytes and not any(directory.rglob("*")):
        raise PermanentError(f"files: no file of the bucket matches {' or '.join(patterns)}.")


def _open(source: FilesSource, environment: Mapping[str, str], limit: timedelta) -> ObjectStore:
    options = {name: secret_value(secret, environment) for name, secret in source.options.items()}
    if unknown := sorted(_CLIENT & {name.removeprefix("aws_") for name in options}):
        raise WrongSource(f"there is no option {unknown[0]!r}")
    try:
        config: Any = options or None  # whose keys depend on the service
        client: ClientConfig = {"allow_http": source.allow_http, "connect_timeout": "5s"}
        return from_url(
            source.url, config=config, client_options=client, retry_config={"retry_timeout": limit}
        )
    except (BaseError, ValueError, TypeError) as error:
        raise WrongSource(f"its url or options cannot be used: {_reason(error, options.values())}") from None


def _matching(store: ObjectStore, patterns: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Keys and sizes, each once."""
    seen: set[str] = set()
    for pattern in patterns:
        matches = pattern_of(pattern)
        for batch in obstore.list(store, prefix=_folder_of(pattern)):
            for entry in batch:
                key = entry["path"]
                if key not in seen and matches.fullmatch(key):
                    seen.add(key)
                    yield key, entry["size"]


def pattern_of(text: str) -> re.Pattern[str]:
    """`*` and `?` stay within a folder; `**/` is any number of folders."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text.removeprefix("/"))
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part) or re.escape(part) for part in parts), re.DOTALL)


def _folder_of(pattern: str) -> str | None:
    """What every key that matches begins with, up to a slash."""
    fixed = re.split(r"[*?]", pattern.removeprefix("/"), maxsplit=1)[0]
    return fixed.rpartition("/")[0] or None


def _copy(store: ObjectStore, key: str, size: int, directory: Path, deadline: Deadline) -> None:
    target = directory / key
    if not target.resolve().is_relative_to(directory.resolve()) or "\0" in key:
        raise PermanentError(f"files: {key!r} is no name of a file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("xb") as file:
        for chunk in obstore.get(store, key).stream(min_chunk_size=_CHUNK):
            written += len(chunk)
            if written > size:
                raise RetryableError(f"files: {key!r} changed while it was read.")
            if deadline.is_over:
                raise PermanentError(deadline.sentence())
            file.write(chunk)


def _reason(error: Exception, secrets: Iterable[str] = ()) -> str:
    text = str(error).partition("\n")[0]
    for secret in filter(None, secrets):
        text = text.replace(secret, REDACTED)
    text = redacted(text)
    return text if text.endswith(".") else f"{text}."

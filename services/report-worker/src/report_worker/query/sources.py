"""Where steps read from: the sources that an operator has configured, in a YAML file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from waybill.definitions import RESULTS, YamlText
from waybill.definitions.model import Duration, Identifier
from waybill.errors import PermanentError
from waybill.outbound import OutboundPolicy
from waybill.secret_files import UnusableSecret, read_secret

_SIZE = re.compile(r"(\d{1,6})\s*(KiB|MiB|GiB)", re.ASCII)
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_MIB = 2**20
_OPTION = r"^[a-z][a-z0-9_]{1,60}$"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_SOURCES_EXAMPLE = "sources: {warehouse: {type: postgresql, url_file: /run/secrets/warehouse}}"
ONLY = "only PostgreSQL, files and HTTP services can be sources, since only these can be kept from writing"


class WrongSource(PermanentError):  # noqa: N818 - the name is the sentence
    """A source is not there, or cannot be used as it is configured. No sentence has a secret in it."""


def _read_size(value: Any) -> int:
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or not int(found[1]):
        raise PydanticCustomError("size", "must be a number with a unit, such as 256MiB or 2GiB.")
    return int(found[1]) * _UNITS[found[2]]


Size = Annotated[int, BeforeValidator(_read_size, json_schema_input_type=str)]
"""In bytes."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class FromFile(_Model):
    """A secret that is in a file; line ends after it do not count."""

    file: str = Field(min_length=1)

    def value(self, environment: Mapping[str, str]) -> str:  # noqa: ARG002 - as the other has it
        try:
            return read_secret(Path(self.file))
        except UnusableSecret as error:
            raise WrongSource(f"{error}") from None


class FromEnvironment(_Model):
    """A secret that is in a variable of the environment."""

    env: str = Field(min_length=1)

    def value(self, environment: Mapping[str, str]) -> str:
        if found := environment.get(self.env):
            return found
        raise WrongSource(
            f"the variable {self.env} is not set. Jobs see one that begins with WAYBILL_, PG, AWS_, AZURE_ or"
            " GOOGLE_ only if WAYBILL_SLOT_ENVIRONMENT lists it"
        )


def _which(value: Any) -> str | None:
    if isinstance(value, str):
        return "text"
    keys = value if isinstance(value, dict) else vars(value)
    return next((key for key in ("file", "env") if key in keys), None)


Secret = Annotated[
    Annotated[str, Tag("text")] | Annotated[FromFile, Tag("file")] | Annotated[FromEnvironment, Tag("env")],
    Discriminator(
        _which, custom_error_type="which", custom_error_message="must be a text, or have the key file or env."
    ),
]
"""A text, or where it is."""


def secret_value(secret: str | FromFile | FromEnvironment, environment: Mapping[str, str]) -> str:
    """Raises `WrongSource`, whose sentence is the end of one."""
    return secret if isinstance(secret, str) else secret.value(environment)


class PostgresqlSource(_Model):
    """A database, by the URL of a role that may read alone."""

    type: Literal["postgresql"]
    url_file: str | None = Field(default=None, min_length=1)
    url_env: str | None = Field(default=None, min_length=1)
    statement_timeout: Duration | None = None
    max_rows: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_one_url(self) -> Self:
        if (self.url_file is None) == (self.url_env is None):
            raise PydanticCustomError("one_url", "must have either url_file or url_env.")
        return self

    def address(self, environment: Mapping[str, str]) -> str:
        """The URL. Raises `WrongSource`."""
        where = FromFile(file=self.url_file) if self.url_file else FromEnvironment(env=self.url_env or "")
        url = where.value(environment)
        scheme, colon, _ = url.partition("://")
        if colon and not re.fullmatch(r"postgres(ql)?(\+psycopg)?", scheme):
            name = scheme if re.fullmatch(r"[a-z0-9+]{1,30}", scheme) else "other"
            raise WrongSource(f"its URL is a {name} one: {ONLY}")
        return url


class DuckDbLimits(_Model):
    """Of a step's DuckDB. `temp`: what it may write to the disk, where it needs more than `memory`."""

    memory: Size = 256 * _MIB
    threads: int = Field(default=2, ge=1, le=64)
    temp: Size = 4096 * _MIB


class FilesSource(DuckDbLimits):
    """A folder, or what is below a prefix in a bucket: CSV, Parquet and JSON, read by DuckDB. `options` are
    those of the bucket's service, by the names that obstore has for them, such as `access_key_id`;
    `allow_http` lets its endpoint be one without TLS."""

    type: Literal["files"]
    url: str
    options: dict[Annotated[str, Field(pattern=_OPTION)], Secret] = Field(default_factory=dict)
    allow_http: bool = False
    max_bytes: Size = 2048 * _MIB

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if not re.match(r"(file:///|(s3|gs|az)://[^/@]+)", self.url):
            raise PydanticCustomError(
                "files_url", "must have a url such as file:///data/exports or s3://bucket/prefix."
            )
        return self

    @property
    def folder(self) -> Path | None:
        """None of a bucket."""
        return Path(self.url.removeprefix("file://")) if self.url.startswith("file:") else None


class HttpSource(_Model):
    """A service, with what every call of it has."""

    type: Literal["http"]
    url: str
    headers: dict[str, Secret] = Field(default_factory=dict)
    private_networks: list[str] = Field(default_factory=list)
    max_bytes: Size = 64 * _MIB

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
            raise PydanticCustomError(
                "http_url",
                "must have a url such as https://rates.internal/v1, without user, query or fragment.",
            )
        if wrong := [name for name in self.headers if not _HEADER_NAME.fullmatch(name)]:
            raise PydanticCustomError("header", "{name} is no header's name.", {"name": wrong[0][:100]})
        try:
            self.policy("")
        except ValueError as error:
            raise PydanticCustomError("networks", "{reason}.", {"reason": str(error)}) from None
        return self

    def policy(self, name: str) -> OutboundPolicy:
        """Of the source of this name: its own host alone."""
        url = httpx.URL(self.url)
        port = "" if url.port is None else f":{url.port}"
        host = f"[{url.host}]" if ":" in url.host else url.raw_host.decode("ascii")
        return OutboundPolicy.parse(
            [f"{url.scheme}://{host}{port}"],
            self.private_networks,
            hosts_setting=f"the source {name}",
            networks_setting=f"private_networks of the source {name}",
        )


def _type_of(value: Any) -> str | None:
    found = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return found if found in ("postgresql", "files", "http") else None


Source = Annotated[
    Annotated[PostgresqlSource, Tag("postgresql")]
    | Annotated[FilesSource, Tag("files")]
    | Annotated[HttpSource, Tag("http")],
    Discriminator(
        _type_of,
        custom_error_type="type",
        custom_error_message=f"must have the type postgresql, files or http: {ONLY}.",
    ),
]


class Sources(_Model):
    """What the file has: the sources by name, and the limits of steps that read the results of others."""

    sources: dict[Identifier, Source] = Field(default_factory=dict)
    results: DuckDbLimits = DuckDbLimits()

    @model_validator(mode="after")
    def _has_no_results(self) -> Self:
        if RESULTS in self.sources:
            raise PydanticCustomError(
                "reserved", "{name} is the name of the steps' results: take another.", {"name": RESULTS}
            )
        return self

    def __getitem__(self, name: str) -> PostgresqlSource | FilesSource | HttpSource:
        """Raises `WrongSource`."""
        if name not in self.sources:
            known = ", ".join(sorted(self.sources)) or "none"
            raise WrongSource(
                f"There is no source {name!r}; there are: {known}. WAYBILL_SOURCES names the file."
            )
        return self.sources[name]


def read_sources(file: Path | None) -> Sources:
    """Without a file there are none. Raises `WrongDefinition` with the place of each fault, and `WrongSource`
    where it cannot be read."""
    if file is None:
        return Sources()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise WrongSource(f"WAYBILL_SOURCES: {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise WrongSource(f"WAYBILL_SOURCES: {file} is no UTF-8 text.") from None
    document = YamlText(text, str(file))
    if not isinstance(document.data, dict):
        raise document.wrong([document.fault((), f"must be a mapping, such as {_SOURCES_EXAMPLE}.")])
    return document.read(Sources)

"""The producer-api's settings."""

import re
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from producer_api.access.proxy import ProxyHeaders
from producer_api.access.session_settings import SessionSettings
from producer_api.policies import (
    ArrivalPolicy,
    DownloadPolicy,
    HostPolicy,
    ProxyPolicy,
    StreamPolicy,
    TlsPolicy,
    is_path_prefix,
)
from producer_api.webhooks.settings import WebhookSettings
from waybill.addresses import Address
from waybill.settings import Listen, ServiceSettings, items
from waybill.telemetry import CallerTrace

_HOST = re.compile(r"\*|(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


_LONGEST_ADDRESS = 604_800
"""Seconds. No store signs an address for longer."""


class Auth(StrEnum):
    """By what clients are known."""

    NONE = "none"
    """By nothing: any client that reaches the API may do everything."""
    KEY = "key"
    OIDC = "oidc"
    PROXY = "proxy"


class ApiSettings(SessionSettings, WebhookSettings, ServiceSettings):
    """`http_threads`: requests and open status streams that one worker process serves at once. Streams and
    downloads never take the last eighth of the threads, which is at least one."""

    listen: Listen = "0.0.0.0:8080"
    health_listen: Listen = "0.0.0.0:8082"
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    http_workers: int = Field(default=2, ge=1)
    http_threads: int = Field(default=64, ge=2)
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    header_timeout_seconds: float = Field(default=10, gt=0)
    body_timeout_seconds: float = Field(default=30, gt=0)
    write_timeout_seconds: float = Field(default=30, gt=0)
    stream_heartbeat_seconds: float = Field(default=15, gt=0)
    stream_max_seconds: float = Field(default=900, gt=0)
    drain_seconds: float = Field(default=20, gt=0)
    allowed_hosts: str = ""
    trusted_proxies: str = ""
    path_prefix: str = ""
    auth: str = "none"
    proxy_user_header: str = Field(default="X-Forwarded-User", min_length=1)
    proxy_tenant_header: str = ""
    proxy_roles_header: str = ""
    artefact_downloads: Literal["redirect", "stream"] = "redirect"
    artefact_address_seconds: int = Field(default=300, ge=1, le=_LONGEST_ADDRESS)
    caller_trace: CallerTrace = CallerTrace.CONTINUE
    definitions: str = ""
    jaeger_url: str = ""
    jaeger_public_url: str = ""

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, text: str) -> str:
        for host in items(text):
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} is not a host name without a port, *.domain or *")
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        for network in items(text):
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"{network!r} is not an IP address or network: {error}") from None
        return text

    @field_validator("path_prefix")
    @classmethod
    def _is_prefix(cls, text: str) -> str:
        """Without the slash at the end."""
        prefix = text.removesuffix("/")
        if prefix and not is_path_prefix(prefix):
            raise ValueError(
                f"{text!r} is not a path such as /waybill, with segments of letters, digits, '.', '_', '~' "
                "and '-', none of them '.' or '..'"
            )
        return prefix

    @field_validator("jaeger_url", "jaeger_public_url")
    @classmethod
    def _is_address(cls, text: str) -> str:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        if text and (not is_address or parts.query or parts.fragment):
            raise ValueError("must be an address such as http://jaeger:16686, without a user and a query")
        return text

    @field_validator("auth")
    @classmethod
    def _are_sorts(cls, text: str) -> str:
        sorts = items(text)
        for sort in sorts:
            if sort not in tuple(Auth):
                raise ValueError(f"{sort!r} is none of {', '.join(Auth)}")
        if not sorts or (Auth.NONE in sorts and len(sorts) > 1):
            raise ValueError("must be none, or the sorts of credentials that are accepted, with commas")
        return text

    @model_validator(mode="after")
    def _have_what_they_need(self) -> Self:
        if Auth.PROXY in self.accepted and not self.trusted_proxies:
            raise PydanticCustomError(
                "auth", "WAYBILL_AUTH: proxy needs the addresses of the proxies in WAYBILL_TRUSTED_PROXIES"
            )
        if Auth.OIDC in self.accepted and not (self.oidc.issuers and self.oidc.audiences):
            raise PydanticCustomError(
                "auth",
                "WAYBILL_AUTH: oidc needs whose tokens are accepted, in WAYBILL_OIDC_ISSUERS, and for which "
                "audience, in WAYBILL_OIDC_AUDIENCE",
            )
        if self.oidc_client_id and Auth.OIDC not in self.accepted:
            raise PydanticCustomError(
                "oidc_client_id", "WAYBILL_OIDC_CLIENT_ID: browsers sign in only with oidc in WAYBILL_AUTH"
            )
        return self

    @model_validator(mode="after")
    def _have_both_files(self) -> Self:
        if bool(self.tls_certificate_file) != bool(self.tls_key_file):
            raise PydanticCustomError(
                "tls",
                "WAYBILL_TLS_CERTIFICATE_FILE, WAYBILL_TLS_KEY_FILE: HTTPS needs both; without both, the API "
                "speaks HTTP",
            )
        return self

    @property
    def tls(self) -> TlsPolicy | None:
        """None where the API speaks HTTP."""
        if not self.tls_certificate_file:
            return None
        return TlsPolicy(Path(self.tls_certificate_file), Path(self.tls_key_file))

    @property
    def accepted(self) -> frozenset[Auth]:
        """By what clients may be known."""
        return frozenset(Auth(sort) for sort in items(self.auth))

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only processes of this machine reach the API."""
        return Address.parse(self.listen).is_loopback

    @property
    def proxy_headers(self) -> ProxyHeaders:
        return ProxyHeaders(self.proxy_user_header, self.proxy_tenant_header, self.proxy_roles_header)

    @property
    def max_long_answers(self) -> int:
        """Leaves threads for short requests."""
        return self.http_threads - max(1, self.http_threads // 8)

    @property
    def stream(self) -> StreamPolicy:
        return StreamPolicy(
            heartbeat=timedelta(seconds=self.stream_heartbeat_seconds),
            lifetime=timedelta(seconds=self.stream_max_seconds),
        )

    @property
    def arrival(self) -> ArrivalPolicy:
        return ArrivalPolicy(
            head=timedelta(seconds=self.header_timeout_seconds),
            body=timedelta(seconds=self.body_timeout_seconds),
            write=timedelta(seconds=self.write_timeout_seconds),
            max_body_bytes=self.max_body_bytes,
        )

    @property
    def downloads(self) -> DownloadPolicy:
        return DownloadPolicy(
            redirect=self.artefact_downloads == "redirect",
            address_lifetime=timedelta(seconds=self.artefact_address_seconds),
        )

    @property
    def hosts(self) -> HostPolicy:
        return HostPolicy(frozenset(host.lower() for host in items(self.allowed_hosts)))

    @property
    def proxies(self) -> ProxyPolicy:
        return ProxyPolicy(
            tuple(ip_network(network) for network in items(self.trusted_proxies)),
            self.path_prefix,
        )

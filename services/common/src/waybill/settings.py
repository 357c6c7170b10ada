"""Settings: read from the environment at the edge, once, and turned into frozen policies."""

import os
import socket
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from waybill.addresses import Address
from waybill.database_url import WrongDatabaseUrl, connection_options
from waybill.domain import EvidencePolicy, LeasePolicy, RetentionPolicy, RetryPolicy
from waybill.errors import WaybillError
from waybill.kafka import KafkaConfig
from waybill.secret_files import SECRET, SUFFIX, Secret, UnusableSecret, find_secret
from waybill.topics import Topics

PREFIX = "WAYBILL_"

RENAMED = {
    "ENQUEUE_AGAIN_SECONDS": "REQUEUE_AFTER_SECONDS",
    "KEEP_DEAD_LETTERS_DAYS": "DEAD_LETTER_RETENTION_DAYS",
    "KEEP_IDEMPOTENCY_KEYS_HOURS": "IDEMPOTENCY_KEY_RETENTION_HOURS",
    "KEEP_REPORTS_DAYS": "REPORT_RETENTION_DAYS",
    "MOST_BODY_BYTES": "MAX_BODY_BYTES",
    "MOST_LOST_WORKERS": "MAX_LOST_WORKERS",
    "RETRY_FIRST_SECONDS": "RETRY_INITIAL_DELAY_SECONDS",
    "RETRY_LONGEST_SECONDS": "RETRY_MAX_DELAY_SECONDS",
    "UPKEEP_SECONDS": "MAINTENANCE_INTERVAL_SECONDS",
}
"""Old names of settings, without the prefix. One that is set stops the start, since it would do nothing."""

_MAX_TIME = 2_000_000
"""In whatever unit a setting has. Beyond it the system's waits and the database's times overflow."""

AnySettings = TypeVar("AnySettings", bound="Settings")


def _is_address(text: str) -> str:
    Address.parse(text)
    return text


Listen = Annotated[str, AfterValidator(_is_address)]
"""Where to listen: `0.0.0.0:8080`, `[::]:8080`."""


class WrongSettings(WaybillError):  # noqa: N818 - the name is the sentence
    """The environment lacks settings, or has wrong ones; the message names each."""


class Settings(BaseSettings):
    """From variables with our prefix; an empty one is an unset one. `load` finds a field with `SECRET` in a
    file, too."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    @field_validator("*")
    @classmethod
    def _has_an_end(cls, value: Any) -> Any:
        if isinstance(value, float) and not value <= _MAX_TIME:
            raise PydanticCustomError("time", "must be at most {most}", {"most": _MAX_TIME})
        return value

    @classmethod
    def secrets(cls) -> Iterator[str]:
        """The names of the fields that hold secrets."""
        for name, field in cls.model_fields.items():
            if any(isinstance(one, Secret) for one in field.metadata):
                yield name

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        secrets = set(self.secrets())
        return [(name, value) for name, value in super().__repr_args__() if name not in secrets]


class DatabaseSettings(Settings):
    """Where the database is."""

    database_url: Annotated[str, SECRET]
    database_pool_size: int = Field(default=8, ge=1)

    @field_validator("database_url")
    @classmethod
    def _readable(cls, address: str) -> str:
        try:
            connection_options(address)
        except WrongDatabaseUrl as error:
            raise PydanticCustomError("database_url", "{reason}", {"reason": str(error)}) from None
        return address


class MigrationSettings(DatabaseSettings):
    """What brings the schema up; and the roles that get their rights then, where the services have roles of
    their own."""

    database_api_role: str = ""
    database_worker_role: str = ""

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        if self.database_api_role and self.database_api_role == self.database_worker_role:
            raise PydanticCustomError(
                "database_worker_role",
                "WAYBILL_DATABASE_WORKER_ROLE: must be another role than WAYBILL_DATABASE_API_ROLE",
            )
        return self


class KafkaSettings(Settings):
    """How to reach Kafka, and the topics' names."""

    kafka_bootstrap_servers: str = Field(min_length=1)
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: Annotated[str | None, SECRET] = None
    kafka_ssl_ca_location: str | None = None
    kafka_ssl_certificate_location: str | None = None
    kafka_ssl_key_location: str | None = None
    kafka_ssl_certificate_pem: Annotated[str | None, SECRET] = None
    kafka_ssl_key_pem: Annotated[str | None, SECRET] = None
    kafka_topic_report: str = "report"
    kafka_topic_report_status: str = "report-status"
    kafka_topic_report_dead_letter: str = "report-dead-letter"

    @property
    def topics(self) -> Topics:
        return Topics(
            self.kafka_topic_report, self.kafka_topic_report_status, self.kafka_topic_report_dead_letter
        )

    def kafka_config(self, client_id: str) -> KafkaConfig:
        security = {
            "security.protocol": self.kafka_security_protocol,
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_sasl_username,
            "sasl.password": self.kafka_sasl_password,
            "ssl.ca.location": self.kafka_ssl_ca_location,
            "ssl.certificate.location": self.kafka_ssl_certificate_location,
            "ssl.key.location": self.kafka_ssl_key_location,
            "ssl.certificate.pem": self.kafka_ssl_certificate_pem,
            "ssl.key.pem": self.kafka_ssl_key_pem,
        }
        present = {name: value for name, value in security.items() if value is not None}
        return KafkaConfig(self.kafka_bootstrap_servers, client_id, present)


class ServiceSettings(DatabaseSettings, KafkaSettings):
    """What both services need."""

    artefact_url: Annotated[str, SECRET] = Field(min_length=1)
    lease_seconds: float = Field(
        default=30, gt=0, description="An attempt's time to live without a heartbeat."
    )
    heartbeat_seconds: float = Field(default=5, gt=0)
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    retry_initial_delay_seconds: float = Field(
        default=2, gt=0, description="Before the first retry, at most."
    )
    retry_max_delay_seconds: float = Field(default=600, gt=0)
    max_lost_workers: int = Field(
        default=10, ge=1, description="A report fails after this many lost attempts."
    )
    requeue_after_seconds: float = Field(
        default=900, gt=0, description="After this time without a claim, a report gets another command."
    )
    maintenance_interval_seconds: float = Field(default=1, gt=0)
    report_retention_days: float = Field(default=30, gt=0)
    dead_letter_retention_days: float = Field(default=30, gt=0)
    idempotency_key_retention_hours: float = Field(default=24, gt=0)
    audit_retention_days: float = Field(default=365, ge=30)
    dead_letter_max_bytes: int = Field(
        default=64 * 1024, ge=4096, description="Stored of one message that cannot be read."
    )
    dead_letter_total_mib: int = Field(default=256, ge=1, description="Stored of all of them, in MiB.")

    @property
    def retry(self) -> RetryPolicy:
        return RetryPolicy(
            initial_delay=timedelta(seconds=self.retry_initial_delay_seconds),
            max_delay=timedelta(seconds=self.retry_max_delay_seconds),
            max_losses=self.max_lost_workers,
        )

    @property
    def retention(self) -> RetentionPolicy:
        return RetentionPolicy(
            reports=timedelta(days=self.report_retention_days),
            dead_letters=timedelta(days=self.dead_letter_retention_days),
            idempotency_keys=timedelta(hours=self.idempotency_key_retention_hours),
            audit=timedelta(days=self.audit_retention_days),
        )

    @property
    def evidence(self) -> EvidencePolicy:
        return EvidencePolicy(self.dead_letter_max_bytes, self.dead_letter_total_mib * 1024 * 1024)

    @property
    def sends_logs(self) -> bool:
        """Whether log records are sent to the collector."""
        return False

    @property
    def requeue_after(self) -> timedelta:
        return timedelta(seconds=self.requeue_after_seconds)

    @property
    def maintenance_interval(self) -> timedelta:
        return timedelta(seconds=self.maintenance_interval_seconds)

    @property
    def lease(self) -> LeasePolicy:
        return LeasePolicy(timedelta(seconds=self.lease_seconds), timedelta(seconds=self.heartbeat_seconds))


def load(settings: type[AnySettings], **values: Any) -> AnySettings:
    """Secrets also from the files that variables with `_FILE` name. Raises `WrongSettings`, naming every
    variable that is missing, wrong, or set by an old name."""
    secrets, unusable = _secrets(settings)
    wrong = [
        f"{PREFIX}{old}: this setting is called {PREFIX}{new} now; rename it"
        for old, new in RENAMED.items()
        if os.environ.get(f"{PREFIX}{old}")
    ]
    try:
        loaded = settings(**{**secrets, **values})
    except ValidationError as error:
        wrong += [
            f"{PREFIX}{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            if item["loc"]
            else item["msg"]
            for item in error.errors(include_url=False, include_input=False)
            if not unusable.keys() & set(item["loc"])
        ]
    wrong += unusable.values()
    if wrong:
        raise WrongSettings("The settings are wrong.\n  " + "\n  ".join(wrong))
    return loaded


def _secrets(settings: type[Settings]) -> tuple[dict[str, str], dict[str, str]]:
    """Those that are in files, and what is wrong with the files, by the names of the fields."""
    found: dict[str, str] = {}
    unusable: dict[str, str] = {}
    for name in settings.secrets():
        variable = f"{PREFIX}{name.upper()}"
        try:
            secret = find_secret(variable, os.environ)
        except UnusableSecret as error:
            unusable[name] = f"{variable}{SUFFIX}: {error}"
        else:
            if secret is not None:
                found[name] = secret
    return found, unusable


def items(text: str) -> list[str]:
    """Of a list with commas."""
    return [item.strip() for item in text.split(",") if item.strip()]


def instance_name(service: str) -> str:
    """The name of this process: the owner of its leases, and the client's id in Kafka."""
    return f"{service}@{socket.gethostname()}/{os.getpid()}"

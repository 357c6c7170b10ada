"""Settings of webhooks."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from producer_api.webhooks.signing import Signer, UnusableSigningSecret
from waybill.domain import DeliveryPolicy
from waybill.outbound import OutboundPolicy
from waybill.secret_files import SECRET
from waybill.settings import PREFIX, Settings, items

_MAX_DELAY = 30 * 24 * 3600


class WebhookSettings(Settings):
    """`webhook_hosts`: which may be called; without one, webhooks are off. `webhook_secret`: with commas, all
    of them sign, so that receivers can go from one to the next."""

    webhook_hosts: str = ""
    webhook_private_networks: str = ""
    webhook_secret: Annotated[SecretStr, SECRET] = SecretStr("")
    webhook_retry_seconds: str = "5,300,1800,7200,18000,36000,86400"

    @field_validator("webhook_hosts")
    @classmethod
    def _are_targets(cls, text: str) -> str:
        OutboundPolicy.parse(items(text), hosts_setting="", networks_setting="")
        return text

    @field_validator("webhook_private_networks")
    @classmethod
    def _are_private_networks(cls, text: str) -> str:
        OutboundPolicy.parse((), items(text), hosts_setting="", networks_setting="")
        return text

    @field_validator("webhook_secret")
    @classmethod
    def _can_be_signed_with(cls, secret: SecretStr) -> SecretStr:
        try:
            Signer(items(secret.get_secret_value()))
        except UnusableSigningSecret as error:
            raise PydanticCustomError("webhook_secret", "{reason}", {"reason": str(error)}) from None
        return secret

    @field_validator("webhook_retry_seconds")
    @classmethod
    def _are_delays(cls, text: str) -> str:
        for one in items(text):
            try:
                is_delay = 0 < float(one) <= _MAX_DELAY
            except ValueError:
                is_delay = False
            if not is_delay:
                raise ValueError(f"{one!r} is no number of seconds, more than 0 and at most {_MAX_DELAY}")
        return text

    @model_validator(mode="after")
    def _are_signed(self) -> Self:
        if self.webhook_hosts and not items(self.webhook_secret.get_secret_value()):
            raise PydanticCustomError(
                "webhook_hosts",
                "WAYBILL_WEBHOOK_HOSTS: webhooks are signed, with WAYBILL_WEBHOOK_SECRET: set it too",
            )
        return self

    @property
    def webhook_targets(self) -> OutboundPolicy:
        return OutboundPolicy.parse(
            items(self.webhook_hosts),
            items(self.webhook_private_networks),
            hosts_setting=f"{PREFIX}WEBHOOK_HOSTS",
            networks_setting=f"{PREFIX}WEBHOOK_PRIVATE_NETWORKS",
        )

    @property
    def webhook_signer(self) -> Signer:
        return Signer(items(self.webhook_secret.get_secret_value()))

    @property
    def webhook_deliveries(self) -> DeliveryPolicy:
        delays = (timedelta(seconds=float(one)) for one in items(self.webhook_retry_seconds))
        return DeliveryPolicy(tuple(delays))

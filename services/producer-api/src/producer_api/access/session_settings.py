"""Settings of browsers' sessions."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from producer_api.access.oidc_settings import OidcSettings
from producer_api.access.session import SessionPolicy
from producer_api.access.sign_in import SignInPolicy
from waybill.secret_files import SECRET
from waybill.settings import items

_MIN_SECRET = 32


class SessionSettings(OidcSettings):
    """`session_secret`: with commas, the newest first. Browsers sign in where there is a client id."""

    oidc_client_id: str = ""
    oidc_client_secret: Annotated[SecretStr, SECRET] = SecretStr("")
    oidc_scopes: str = "openid profile email"
    session_secret: Annotated[SecretStr, SECRET] = SecretStr("")
    session_hours: float = Field(default=8, gt=0, le=24 * 30)

    @field_validator("session_secret")
    @classmethod
    def _are_long(cls, secret: SecretStr) -> SecretStr:
        if any(len(one) < _MIN_SECRET for one in items(secret.get_secret_value())):
            raise PydanticCustomError(
                "session_secret",
                "each secret must have at least 32 characters, as `openssl rand -base64 33` makes them",
            )
        return secret

    @field_validator("oidc_scopes")
    @classmethod
    def _have_openid(cls, scopes: str) -> str:
        if "openid" not in scopes.split():
            raise ValueError("must have openid, with spaces between several")
        return scopes

    @model_validator(mode="after")
    def _can_sign(self) -> Self:
        if self.oidc_client_id and not items(self.session_secret.get_secret_value()):
            raise PydanticCustomError(
                "oidc_client_id",
                "WAYBILL_OIDC_CLIENT_ID: browsers that sign in need sessions, signed with "
                "WAYBILL_SESSION_SECRET",
            )
        return self

    @property
    def sign_in(self) -> SignInPolicy:
        return SignInPolicy(
            self.oidc_client_id,
            self.oidc_client_secret.get_secret_value(),
            " ".join(self.oidc_scopes.split()),
        )

    def session(self, *, plain_on_loopback: bool) -> SessionPolicy:
        return SessionPolicy(
            tuple(items(self.session_secret.get_secret_value())),
            timedelta(hours=self.session_hours),
            plain_on_loopback,
        )

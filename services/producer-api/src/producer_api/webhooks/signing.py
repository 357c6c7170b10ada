"""Signs webhooks as Standard Webhooks has it."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime

from standardwebhooks import Webhook

from waybill.errors import WaybillError

_PREFIX = "whsec_"
_BYTES = range(24, 65)


class UnusableSigningSecret(WaybillError):  # noqa: N818 - the name is the sentence
    """The sentence has nothing of the secret."""


class Signer:
    """Signs with each of its secrets: a receiver needs to know one of them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Raises `UnusableSigningSecret`."""
        self._keys = [Webhook(_key(secret)) for secret in secrets]

    def headers(self, message_id: str, at: datetime, body: str) -> Mapping[str, str]:
        """`at` in UTC."""
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(key.sign(message_id, at, body) for key in self._keys),
        }


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _BYTES:
        raise UnusableSigningSecret(
            f"each secret must be {_PREFIX} and 24 to 64 bytes in Base64, as `echo {_PREFIX}$(openssl rand "
            "-base64 32)` makes them"
        )
    return key

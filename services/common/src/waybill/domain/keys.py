"""API keys: `wb_<id>_<secret>`."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from waybill.domain.access import Owner, Role

KEY_PREFIX = "wb_"
_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another
_ID_LENGTH = 12
_SECRET_BYTES = 32
_KEY = re.compile(rf"{KEY_PREFIX}([{_ID_LETTERS}]{{{_ID_LENGTH}}})_([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True)
class Secret:
    """What its holder sends, in two parts: the first finds the key, and only the second is secret."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls, key_id: str | None = None) -> "Secret":
        """A random one; of the key `key_id` where that is given."""
        made = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
        return cls(key_id or made, secrets.token_urlsafe(_SECRET_BYTES))

    @classmethod
    def read(cls, token: str) -> "Secret | None":
        """None where the text is no key at all."""
        found = _KEY.fullmatch(token)
        return cls(*found.groups()) if found else None

    @property
    def sha256(self) -> bytes:
        """What is kept of it. It is random and long, so that no slow hash is needed."""
        return hashlib.sha256(self.secret.encode()).digest()

    def __str__(self) -> str:
        return f"{KEY_PREFIX}{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"{KEY_PREFIX}{self.id}_…"


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept. `name` says to people what it is for; `created_by` names the credential that made
    it; `last_used_at` is right to the minute."""

    id: str
    name: str
    owner: Owner
    roles: frozenset[Role]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

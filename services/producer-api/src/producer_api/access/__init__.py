"""Who sends a request, and what they may do."""

from producer_api.access.guard import current_identity, permitted_scope, recognise, register
from producer_api.access.identity import Authenticator, Identity, unauthenticated
from producer_api.access.session import is_of_session
from producer_api.permissions import GRANTS, Permission, Reach, requires

__all__ = [
    "GRANTS",
    "Authenticator",
    "Identity",
    "Permission",
    "Reach",
    "current_identity",
    "is_of_session",
    "permitted_scope",
    "recognise",
    "register",
    "requires",
    "unauthenticated",
]

"""The address of the database, read as libpq reads it: a URL or `name=value …`, with libpq's own options."""

import os
import re
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from waybill.errors import WaybillError

_EXAMPLE = "postgresql://user:password@host:5432/database"
_NAMES_AN_OPTION = re.compile(r'invalid (?:URI query parameter:|connection option) "[a-z_]{1,40}"')
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+psycopg://")
_UTF8 = {"utf8", "utf-8", "unicode", "auto"}

_OURS: Final[Mapping[str, str]] = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""What is used where nothing says otherwise: the address, a service of libpq, or its variable. A peer that
vanished is noticed within 20 s."""


class WrongDatabaseUrl(WaybillError):  # noqa: N818 - the name is the sentence
    """The address cannot be used. The sentence does not repeat it, since it may hold a password."""


def connection_options(address: str, application: str = "waybill", *, writes: bool = True) -> dict[str, Any]:
    """What to connect with, by libpq's names: the options of `address`, and ours where it has none.

    Of several hosts, the one that takes writes is used where `writes` says so. None of ours is an option of
    the server's session, which PgBouncer would refuse. Raises `WrongDatabaseUrl`.
    """
    theirs = _parsed(address)
    encoding = theirs.pop("client_encoding", "utf8")
    if encoding.lower() not in _UTF8:
        raise WrongDatabaseUrl("client_encoding: must be utf8, or left out.")
    ours = {**_ours(theirs), "fallback_application_name": application}
    if writes and "," in theirs.get("host", "") + theirs.get("hostaddr", ""):
        ours["target_session_attrs"] = "read-write"
    return {**ours, **theirs, "client_encoding": "utf8"}


def _ours(theirs: Mapping[str, str]) -> Mapping[str, str]:
    """Those that are set nowhere: a service of libpq may have any."""
    if "service" in theirs or os.environ.get("PGSERVICE"):
        return {}
    variables = {"connect_timeout": "PGCONNECT_TIMEOUT"}
    return {name: value for name, value in _OURS.items() if not os.environ.get(variables.get(name, ""))}


def _parsed(address: str) -> dict[str, str]:
    if not address.strip():
        raise WrongDatabaseUrl(f"must not be empty, but for example {_EXAMPLE}")
    try:
        parsed = conninfo_to_dict(_DRIVER.sub(r"\1://", address))
    except (psycopg.ProgrammingError, UnicodeError) as error:
        known = _NAMES_AN_OPTION.match(str(error))
        reason = f"libpq says: {known[0]}" if known else f"libpq cannot read it; an example is {_EXAMPLE}"
        raise WrongDatabaseUrl(reason) from None
    return {name: str(value) for name, value in parsed.items()}

"""Opens the store of a URL, and checks that it can keep files."""

import tempfile
from concurrent.futures import wait
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store, from_url

from waybill.artefacts.errors import ArtefactStoreUnavailable, WrongArtefactUrl
from waybill.background import in_background
from waybill.domain import DEFAULT_TENANT

if TYPE_CHECKING:  # obstore has it for type checkers alone
    from obstore.store import RetryConfig

_EXAMPLES = "file:///folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
REMOTE = {S3Store: "AWS_ALLOW_HTTP", GCSStore: "GOOGLE_ALLOW_HTTP", AzureStore: "AZURE_ALLOW_HTTP"}
"""The variable that lets each sort of store use an endpoint without TLS."""
_NO_ACCOUNT = "Account must be specified"
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")


def open_store(url: str, retries: "RetryConfig | None" = None) -> ObjectStore:
    """Raises `WrongArtefactUrl`."""
    try:
        if url.startswith("file:"):
            return from_url(url, mkdir=True, automatic_cleanup=True)
        return from_url(url, retry_config=retries)
    except OSError as error:
        raise WrongArtefactUrl(f"the folder cannot be made: {reason_of(error)}.") from None
    except (BaseError, ValueError) as error:
        reason = reason_of(error)
        if _NO_ACCOUNT in reason and url.startswith("az://"):
            raise WrongArtefactUrl("set AZURE_STORAGE_ACCOUNT_NAME to the container's account.") from None
        known = "" if "URL" in reason else f" ({reason})"
        raise WrongArtefactUrl(f"must be {_EXAMPLES}{known}.") from None


def check_store(store: ObjectStore, limit: timedelta) -> None:
    """Asks it, for `limit` at most. Raises `WrongArtefactUrl` where it can keep no file as it is configured,
    and `ArtefactStoreUnavailable` where that is not known now."""
    if isinstance(store, LocalStore):
        _check_folder(store)
    elif type(store) in REMOTE:
        _check_answer(store, limit)
    else:
        raise WrongArtefactUrl(f"must be {_EXAMPLES}.")


def _check_folder(store: LocalStore) -> None:
    try:
        with tempfile.TemporaryFile(dir=store.prefix):
            pass
    except OSError as error:
        raise WrongArtefactUrl(f"no file can be written in the folder: {error.strerror}.") from None


def _check_answer(store: ObjectStore, limit: timedelta) -> None:
    answer = in_background(lambda: _listed(store))
    if not wait([answer], limit.total_seconds()).done:
        raise ArtefactStoreUnavailable(f"There was no answer for {limit.total_seconds():g} s.")
    error = answer.result()
    if error is None:
        return
    if "BadScheme" in str(error):
        flag = REMOTE[type(store)]
        raise WrongArtefactUrl(f"the store's endpoint is plain http; use https, or set {flag}=true.")
    if any(code in str(error) for code in _NO_BUCKET):
        raise WrongArtefactUrl("the store has no such bucket or container.")
    raise ArtefactStoreUnavailable(reason_of(error))


def _listed(store: ObjectStore) -> Exception | None:
    """What goes wrong where the first files are listed."""
    try:
        next(iter(obstore.list(store, prefix=f"{DEFAULT_TENANT}/reports/", chunk_size=1)), None)
    except Exception as error:
        return error
    return None


def reason_of(error: Exception) -> str:
    """The first line, without the address that was asked."""
    line = str(error).partition("\n")[0]
    return (line.rpartition(" - ")[2] if "Error performing" in line else line)[:300]

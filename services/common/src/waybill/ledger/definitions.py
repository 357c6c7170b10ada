"""The texts of the definitions that reports were requested with."""

from functools import lru_cache

from waybill.errors import RetryableError
from waybill.ledger.transactions import Transactions
from waybill.store.statements import definitions


class DefinitionMissing(RetryableError):  # noqa: N818 - the name is the sentence
    """A report names a definition that is not stored."""


class StoredDefinitions:
    """Each text is kept by its digest before the first report that names it, and stays. Every method raises
    `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._kept: set[str] = set()
        self._read = lru_cache(maxsize=64)(self._from_store)

    def keep(self, digest: str, kind: str, text: str) -> None:
        """One statement for a text that this process keeps for the first time."""
        if digest not in self._kept:
            with self._transactions.reading() as connection:
                definitions.put(connection, digest, kind, text)
            self._kept.add(digest)

    def text(self, digest: str) -> str:
        """Raises `DefinitionMissing`."""
        return self._read(digest)

    def _from_store(self, digest: str) -> str:
        with self._transactions.reading() as connection:
            text = definitions.get(connection, digest)
        if text is None:
            raise DefinitionMissing(f"The report's definition {digest} is not stored in the database.")
        return text

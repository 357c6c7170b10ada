"""The choices of parameters that come from a query, as workers read them for those who look at a form."""

from datetime import timedelta
from typing import Final

from waybill.ledger.transactions import Transactions
from waybill.store import StoredChoices
from waybill.store.statements import choice_lists

_SAID_AGAIN: Final = timedelta(minutes=1)
_LOOKED_AT: Final = timedelta(minutes=10)
_OLD: Final = timedelta(minutes=2)
_FORGOTTEN: Final = timedelta(days=30)


class ChoiceLists:
    """The API reaches no source: it says which definition's choices a client looks at, and a worker reads
    them, every two minutes while any client does. Each method is one transaction, and raises
    `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def want(self, digest: str) -> StoredChoices:
        """What is known of them. The definition's text is stored."""
        with self._transactions.reading() as connection:
            return choice_lists.want(connection, digest, _SAID_AGAIN)

    def due(self) -> dict[str, str]:
        """The texts of definitions, by digest, whose choices are to be read now."""
        with self._transactions.reading() as connection:
            return choice_lists.due(connection, _LOOKED_AT, _OLD)

    def put(self, digest: str, content: str) -> None:
        with self._transactions.reading() as connection:
            choice_lists.put(connection, digest, content)
            choice_lists.remove_unwanted(connection, _FORGOTTEN)

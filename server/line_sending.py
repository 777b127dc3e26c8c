"""The way out over LINE: find the conversation's own patient and the pharmacy's own account, then push."""

from collections.abc import Sequence

from pharmacy.channels.delivery import Attempt, Delivery, Parcel
from pharmacy.channels.line.accounts import LineAccount
from pharmacy.channels.line.push import LinePush
from pharmacy.storage import line_contacts
from pharmacy.storage.database import Database
from pharmacy.storage.refusals import StoreBusy


class LineChannel:
    """Pushes replies to whom a conversation's contact names, and to nobody else."""

    def __init__(self, database: Database, accounts: Sequence[LineAccount], push: LinePush) -> None:
        self._database = database
        self._accounts = {account.pharmacy_id: account for account in accounts}
        self._push = push

    async def deliver(self, parcel: Parcel) -> Attempt:
        """Push `parcel` once, under its own retry key; a patient who left the account is sent nothing."""
        account = self._accounts.get(parcel.pharmacy_id)
        if account is None:
            return Attempt(Delivery.REFUSED, f"LINE: pharmacy {parcel.pharmacy_id!r} has no account here; set one up")
        try:
            async with self._database.begin(parcel.pharmacy_id) as tx:
                contact = await line_contacts.of_conversation(tx, parcel.pharmacy_id, parcel.conversation_id)
        except StoreBusy:
            return Attempt(Delivery.AGAIN, "the store is busy")
        if contact is None:
            return Attempt(Delivery.REFUSED, "LINE: the conversation has no contact")
        if contact.blocked:
            return Attempt(Delivery.REFUSED, "LINE: the patient has left or blocked the account")
        return await self._push.push(account.access_token, contact.user_id, parcel.text, parcel.retry_key)

    async def close(self) -> None:
        """Give the connections back."""
        await self._push.close()

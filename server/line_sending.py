"""The way out over LINE: find the pharmacy's own account, then push to whom the conversation is with."""

from collections.abc import Sequence

from pharmacy.channels.delivery import Attempt, Delivery, Parcel
from pharmacy.channels.line.accounts import LineAccount
from pharmacy.channels.line.push import LinePush
from pharmacy.domain.unsent_for import UnsentFor


class LineChannel:
    """Pushes replies to whom a conversation's contact names, and to nobody else."""

    def __init__(self, accounts: Sequence[LineAccount], push: LinePush) -> None:
        self._accounts = {account.pharmacy_id: account for account in accounts}
        self._push = push

    async def deliver(self, parcel: Parcel) -> Attempt:
        """Push `parcel` once, under its own retry key; a patient who left the account is sent nothing."""
        account, contact = self._accounts.get(parcel.pharmacy_id), parcel.contact
        if account is None:
            said = f"LINE: pharmacy {parcel.pharmacy_id!r} has no account here; set one up"
            return Attempt(Delivery.REFUSED, said, code=UnsentFor.NO_ACCOUNT)
        if contact is None:
            said = "LINE: the conversation has no contact"
            return Attempt(Delivery.REFUSED, said, code=UnsentFor.PATIENT_UNKNOWN)
        if contact.has_left:
            said = "LINE: the patient has left or blocked the account"
            return Attempt(Delivery.REFUSED, said, code=UnsentFor.PATIENT_LEFT)
        return await self._push.push(
            account.access_token, contact.address, parcel.text, parcel.retry_key, parcel.good_until
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._push.close()

"""What a person does with canned replies: the same for the API's calls and the console's page."""

from typing import Annotated, Any

from pydantic import Field

from pharmacy.domain.canned_reply import BLANKS, unknown_blanks
from pharmacy.storage import canned_replies
from pharmacy.storage.access import Caller
from server.asks import Body, Reply, Version
from server.errors import Refused
from server.program import Program

# Latin letters and digits, kana, kanji: what is typed after a `/` without a blank, the same in every engine.
SHORT_NAME = "^[0-9A-Za-z_\\-ぁ-ゖァ-ヺー一-鿿々]{1,40}$"
LONGEST_CANNED = 2_000


class CannedIn(Body):
    """A canned reply's words, with the version that was read; 0 where there was none."""

    version: Version
    text: Annotated[Reply, Field(max_length=LONGEST_CANNED)]


async def put(program: Program, by: Caller, name: str, body: CannedIn) -> dict[str, Any]:
    """Keep a canned reply and return it.

    Raises:
        Refused: it has a blank that nobody fills.
        NotHere, Stale, Conflict: as `canned_replies.put_canned`.
    """
    if unknown := unknown_blanks(body.text):
        known = ", ".join(f"{{{blank}}}" for blank in BLANKS)
        raise Refused("text", ", ".join(unknown), f"{', '.join(unknown)}: expected no blank or brace but {known}")
    async with program.database.begin(by.pharmacy_id) as tx:
        return await canned_replies.put_canned(tx, by.pharmacy_id, name, by.actor, body.text, body.version)


async def remove(program: Program, by: Caller, name: str, version: int) -> None:
    """Keep a canned reply no longer.

    Raises:
        NotHere, Stale: as `canned_replies.remove_canned`.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        await canned_replies.remove_canned(tx, by.pharmacy_id, name, by.actor, version)

"""Take messages into a database without a worker beside, as an HTTP-only process would."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from pharmacy.settings import Settings
from pharmacy.storage.access import Caller
from server.asks import MessageIn
from server.program import open_program
from server.taking import take_message


async def take_all(database_url: str, home: Path, conversations: int, each: int) -> None:
    """Commit `each` messages to each of `conversations`, the conversations side by side."""
    settings = Settings(database_url=database_url, home=home, models="openai", openai_base_url="http://127.0.0.1:9/v1")
    async with open_program(settings) as program:

        async def write(conversation: int) -> None:
            for number in range(each):
                text = f"次回の発送日はいつですか? {number}回目の質問です"
                body = MessageIn(conversation_id=f"c{conversation}", text=text)
                await take_message(
                    program, Caller("default", "test"), body, b"{}", f"m{conversation}-{number}", datetime.now(UTC)
                )

        await asyncio.gather(*(write(conversation) for conversation in range(conversations)))

"""Ask OpenAI something that may be asked twice: again while that may help, then in words."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import openai

from distillation.trainers.openai_refusals import told
from pharmacy.models.patience import Patience, again_while_it_helps

Answer = TypeVar("Answer")


async def patiently(
    ask: Callable[[], Awaitable[Answer]], patience: Patience, provider: str, *, job: str = ""
) -> Answer:
    """Return what `ask` brings; it must be harmless to ask it twice.

    Raises:
        TrainerRefused: it was refused.
        TrainerSilent: nobody answered in time.
    """
    try:
        return await again_while_it_helps(ask, patience)
    except openai.APIError as error:
        raise told(error, provider, job=job) from error

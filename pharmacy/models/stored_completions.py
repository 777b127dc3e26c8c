"""Read back what the provider has kept of a node's answers."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import openai

from pharmacy.models.completion import storable
from pharmacy.models.keeping import NODE, PROMPT, RUN
from pharmacy.models.patience import Patience, again_while_it_helps, is_transient

AT_ONCE = 100


class StoreRefused(Exception):
    """The provider's store cannot be read: says why."""


@dataclass(frozen=True)
class StoredAnswer:
    """One answer as the provider has kept it."""

    id: str
    run_id: UUID | None
    """None where the label names no run."""

    fingerprint: str
    content: str | None


async def stored_answers(client: openai.AsyncOpenAI, node: str, patience: Patience) -> AsyncIterator[StoredAnswer]:
    """Give the kept answers of a node, oldest first, page by page.

    Raises:
        StoreRefused: the provider refuses it, or cannot be reached; what was given before stands.
    """
    after: str | openai.Omit = openai.omit
    while True:
        started = after
        try:
            page = await again_while_it_helps(
                lambda: client.chat.completions.list(metadata={NODE: node}, limit=AT_ONCE, order="asc", after=started),  # noqa: B023
                patience,
            )
        except openai.APIError as error:
            raise _told(error) from error
        for each in page.data:
            labels: Mapping[str, str] = each.metadata or {}
            content = each.choices[0].message.content if each.choices else None
            yield StoredAnswer(each.id, _run(labels.get(RUN)), labels.get(PROMPT, ""), storable(content))
        if not page.has_more or not page.data:
            return
        after = page.data[-1].id


async def forget(client: openai.AsyncOpenAI, stored_id: str, patience: Patience) -> bool:
    """Have the provider delete an answer; False where it was gone already.

    Raises:
        StoreRefused: as `stored_answers`.
    """
    try:
        return (await again_while_it_helps(lambda: client.chat.completions.delete(stored_id), patience)).deleted
    except openai.NotFoundError:
        return False
    except openai.APIError as error:
        raise _told(error) from error


def _run(label: str | None) -> UUID | None:
    try:
        return UUID(label or "")
    except ValueError:
        return None


def _told(error: openai.APIError) -> StoreRefused:
    if not isinstance(error, openai.APIStatusError):
        return StoreRefused(f"the provider's store cannot be reached ({type(error).__name__}); try again later")
    later = "; try again later" if is_transient(error) else ""
    return StoreRefused(f"the provider's store cannot be read ({error.status_code} {error.code or ''}){later}")

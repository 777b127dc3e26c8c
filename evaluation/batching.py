"""Ask every question of a trial through the provider's Batch API first: half the price, within a day."""

from collections.abc import Callable, Mapping, Sequence

from evaluation.candidates import Candidate
from evaluation.cases import Case
from evaluation.questions import Questions
from pharmacy.models.batch import Asked, Batched, Batches, BatchProgress, ask_in_batch
from pharmacy.models.model_name import ModelRef

Given = Mapping[tuple[str, int], Batched]
"""Candidate and the place of a case to the answer that came in a batch."""

BatchesAt = Callable[[str], Batches]
"""Returns the Batch API of an endpoint by its name."""


async def in_batches(
    questions: Questions, cases: Sequence[Case], candidates: Sequence[Candidate], at: BatchesAt,
    told: Callable[[BatchProgress], None] = lambda _: None,
) -> Given:  # fmt: skip
    """Return an answer or a failure to each question that goes to a provider; local models are asked as ever.

    Cut off, the same call finds its batches again.

    Raises:
        BatchRefused: a batch was not taken, or its provider cannot be reached.
    """
    found: dict[tuple[str, int], Batched] = {}
    for candidate in candidates:
        ref = ModelRef.read(candidate.model)
        if ref.is_local or candidate.is_recorded:
            continue
        table = questions.assembled.registry.table(questions.node)
        asked = [
            Asked(str(case.row.place), questions.prompt(case, candidate), questions.schema(case)) for case in cases
        ]
        batches = at(ref.provider)
        try:
            answers = await ask_in_batch(batches, ref, table, asked, told)
        finally:
            await batches.aclose()
        found |= {(str(candidate), int(place)): answer for place, answer in answers.items()}
    return found

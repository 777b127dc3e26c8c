"""What an evaluation will cost about, told before it begins."""

from collections.abc import Sequence

from evaluation.candidates import Candidate
from evaluation.cases import Case
from evaluation.questions import Questions
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.tokens import estimate_tokens
from pharmacy.models.usage import Usage


def expected_usd(
    questions: Questions, cases: Sequence[Case], candidates: Sequence[Candidate], judge: str
) -> float | None:
    """Return the cost in US dollars by our own count of tokens, nothing cached; None where a price is unknown.

    An answer is taken to be as long as the one on record, and every draft to be marked once.
    """
    prices = Prices(questions.assembled.registry.tables.prices)
    costs = [_one(questions, case, candidate, prices) for case in cases for candidate in candidates]
    if questions.writes:
        costs += [_marking(questions, case, judge, prices) for case in cases for _ in candidates]
    return None if None in costs else sum(cost or 0.0 for cost in costs)


def _one(questions: Questions, case: Case, candidate: Candidate, prices: Prices) -> float | None:
    if candidate.is_recorded:
        return 0.0
    prompt = questions.prompt(case, candidate)
    usage = Usage(estimate_tokens(prompt.system) + estimate_tokens(prompt.user), 0, estimate_tokens(case.target or ""))
    return prices.cost_usd(ModelRef.read(candidate.model), None, usage)


def _marking(questions: Questions, case: Case, judge: str, prices: Prices) -> float | None:
    draft = case.target or ""
    prompt = questions.of_judge(case, draft)
    criteria = sum(estimate_tokens(one.described) for one in questions.assembled.flow.criteria.values())
    usage = Usage(estimate_tokens(prompt.system) + estimate_tokens(prompt.user), 0, criteria)
    return prices.cost_usd(ModelRef.read(judge), None, usage)

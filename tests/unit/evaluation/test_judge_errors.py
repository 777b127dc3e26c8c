"""What is left of a pass rate once a judge's errors are taken out."""

from evaluation.clustered_mean import totals
from evaluation.judge_errors import JudgeErrors, corrected
from pharmacy.domain.share import Share


def test_a_judge_that_passes_what_people_refuse_has_its_pass_rate_lowered() -> None:
    errors = JudgeErrors("openai:gpt-4o", "e", sensitivity=Share(190, 200), specificity=Share(100, 200))
    seen = totals([1.0] * 160 + [0.0] * 40, [at // 2 for at in range(200)])

    found = corrected(seen, errors)

    assert found is not None
    # Of 0.8 that passed, and 0.5 of the bad stopped, 0.3 is left of the 0.45 by which this judge is better than chance.
    assert round(found.value, 3) == 0.667
    assert found.judged == 0.8
    assert found.low < 0.6 < 0.667 < found.high


def test_a_judge_no_better_than_chance_corrects_nothing() -> None:
    errors = JudgeErrors("openai:gpt-4o", "e", sensitivity=Share(50, 100), specificity=Share(50, 100))

    assert corrected(totals([1.0, 0.0], [1, 2]), errors) is None

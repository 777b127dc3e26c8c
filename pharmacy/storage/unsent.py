"""What an outbox row keeps of why it has not gone out."""

from typing import Any

from pharmacy.domain.unsent_for import Problem


def told_of(problem: Problem, *, in_doubt: bool = False) -> dict[str, Any]:
    """Return the row's values.

    Args:
        in_doubt: whether the text may have arrived all the same.
    """
    doubt = "; it may have arrived" if in_doubt else ""
    return {"problem": f"{problem.told}{doubt}", "problem_code": problem.code, "in_doubt": in_doubt}


NOTHING_TOLD: dict[str, Any] = {"problem": None, "problem_code": None, "in_doubt": False}

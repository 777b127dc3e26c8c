"""The report's figures are what they are called."""

import subprocess
import sys

import pytest

from evaluation.student_examples import Example, read_examples
from evaluation.student_figures import Answered, StudentFigures, student_figures
from pharmacy.domain.share import Share
from pharmacy.models.local.opinion import Opinion
from pharmacy.models.local.student import Student
from pharmacy.models.local.student_fields import classify_fields


def test_the_interval_is_wilsons() -> None:
    low, high = Share(88, 100).interval

    assert (round(low, 4), round(high, 4)) == (0.8019, 0.9300)
    assert Share(0, 0).interval == (0.0, 1.0)


def test_a_sure_student_that_is_wrong_half_the_time_has_a_calibration_error_of_a_half() -> None:
    figures = StudentFigures([_answered("order_delivery", right, 1.0) for right in ("order_delivery", "follow_up")])

    assert figures.calibration_error == pytest.approx(0.5)


def test_what_is_withheld_counts_as_handed_over_and_not_as_answered() -> None:
    sure = _answered("order_delivery", "order_delivery", 0.9)
    unsure = _answered("order_delivery", "order_delivery", 0.4, given="pharmacist_only")

    figures = StudentFigures([sure, unsure])

    assert (figures.accuracy.value, figures.accuracy_given.value) == (1.0, 0.5)
    assert (figures.accuracy_acted, figures.withheld, figures.needless) == (Share(1, 1), Share(1, 2), Share(1, 2))


def test_a_machines_wrong_answer_stands_before_a_needless_handover() -> None:
    handed_over = _answered("order_delivery", "order_delivery", 0.4, given="pharmacist_only", family="a")
    wrong = _answered("order_delivery", "follow_up", 0.8, family="b")
    again = _answered("order_delivery", "follow_up", 0.7, family="b")

    assert StudentFigures([handed_over, wrong, again]).failures() == [wrong, handed_over]


@pytest.mark.parametrize(("node", "floor"), [("classify", 0.75), ("switch_phase", 0.75)])
def test_the_shipped_students_are_far_from_guessing_on_families_they_never_saw(node: str, floor: float) -> None:
    figures = student_figures(Student.load(node).weights, read_examples(node, "held_out"))

    assert figures.accuracy.value > floor
    assert figures.accuracy_acted.value > figures.accuracy.value
    assert figures.calibration_error < 0.1


def test_the_report_prints_both_students() -> None:
    run = subprocess.run([sys.executable, "-m", "evaluation.students"], capture_output=True, text=True, check=True)

    assert all(node in run.stdout for node in ("classify", "switch_phase"))
    assert "right when a machine answers" in run.stdout


def _answered(
    label: str, right: str, confidence: float, given: str | None = None, family: str = "one.family"
) -> Answered:
    example = Example("届きました", right, family, classify_fields("届きました"))
    return Answered(example, Opinion(label, confidence), given or label)

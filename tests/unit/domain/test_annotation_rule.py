"""Which runs are looked at again: what was refused or edited, what has barely cleared its bar, and a fixed sample."""

from pathlib import Path
from uuid import UUID, uuid5

import pytest

from pharmacy.domain.annotation import AnnotationRule, lowest_margin, read_annotation_rule
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.judgement import Mark
from pharmacy.settings import Settings

RUN = UUID("7a0c4f54-5a52-4f2e-9d7c-0a6c7a6f2c11")


@pytest.mark.parametrize(
    ("decision", "margin", "why"),
    [
        pytest.param("approved", 2, (), id="approved-with-room"),
        pytest.param("approved", 0, ("low_margin",), id="approved-and-barely-over-its-bar"),
        pytest.param("edited", 2, ("edited",), id="edited"),
        pytest.param("rejected", 0, ("refused", "low_margin"), id="refused-and-barely-over-its-bar"),
        pytest.param("regenerated", None, ("refused",), id="written-again-without-marks"),
        pytest.param("replied", 1, ("refused",), id="replied-without-it"),
        pytest.param(None, 1, (), id="undecided"),
    ],
)
def test_a_run_is_looked_at_again_for_what_became_of_it(
    decision: str | None, margin: int | None, why: tuple[str, ...]
) -> None:
    assert AnnotationRule(margin_under=1, sample_share=0).decided(RUN, margin, decision) == why


def test_the_margin_is_the_lowest_marks_own() -> None:
    marks = {"safety": Mark(5, 4, ""), "tone": Mark(3, 3, ""), "accuracy": Mark(4, 3, "")}

    assert (lowest_margin(marks), lowest_margin({})) == (0, None)


def test_the_sample_is_as_large_as_told_and_the_same_every_time() -> None:
    rule = AnnotationRule(margin_under=0, sample_share=0.1)
    runs = [uuid5(RUN, str(number)) for number in range(20_000)]

    drawn = [run for run in runs if rule.at_end(run, None)]

    # Five standard deviations of a draw of so many.
    assert abs(len(drawn) / len(runs) - 0.1) < 5 * (0.1 * 0.9 / len(runs)) ** 0.5
    assert drawn == [run for run in runs if rule.at_end(run, None)]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all_are_samples_too(share: float) -> None:
    rule = AnnotationRule(margin_under=0, sample_share=share)

    assert all(bool(rule.at_end(uuid5(RUN, str(number)), None)) == bool(share) for number in range(100))


def test_the_shipped_file_says_what_it_should() -> None:
    rule = read_annotation_rule(Settings().annotation_file)

    assert rule == AnnotationRule(margin_under=1, sample_share=0.02)


@pytest.mark.parametrize(
    "text",
    [
        "margin_under = 1",
        "margin_under = 9\nsample_share = 0.1",
        "margin_under = 1\nsample_share = 1.5",
        "margin_under = 1\nsample_share = 0.1\nx = 1",
    ],
)
def test_a_file_that_says_anything_else_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "annotation.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"annotation\.toml"):
        read_annotation_rule(path)

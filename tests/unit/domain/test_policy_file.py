"""The policy file is checked at start, by line; and a policy that runs can be written back as one."""

from pathlib import Path

import pytest

from nodes.load import SHIPPED_POLICY, load_flow
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.policy import Mode, Policy
from pharmacy.domain.policy_file import differences, load_policy, written

FLOW = load_flow()
SHIPPED = load_policy(SHIPPED_POLICY, FLOW)
TEXT = SHIPPED_POLICY.read_text(encoding="utf-8")


def test_as_shipped_every_category_and_phase_is_suggested_and_nothing_goes_out() -> None:
    modes = {SHIPPED.first.mode_of(category, phase) for category in FLOW.categories for phase in FLOW.phases}

    assert modes == {Mode.SUGGEST}
    assert SHIPPED.first.limits.per_patient_hour == 3


MARKS, MODES, EVERY = "\n[first.marks]", "\n[first.modes]", 'automatic = "every"'


@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        pytest.param('mode = "suggest"', 'mode = "auto"', r":6: \[first.mode\] 'auto'", id="auto-by-default"),
        pytest.param("lowest_mark = 4", "lowest_mark = 1.1", r":7: \[first.lowest_mark\] 1.1", id="a-fraction"),
        pytest.param("lowest_mark = 4", "lowest_mark = nan", r"\[first.lowest_mark\] nan", id="not-a-number"),
        pytest.param("hold_seconds = 60", 'hold_seconds = "60"', r"\[first.hold_seconds\] '60'", id="text"),
        pytest.param("hold_seconds = 60", "hold_secnods = 60", "hold_seconds", id="typo"),
        pytest.param("per_patient_hour = 3", "per_patient_hour = 4", r"per_patient_hour\] 4", id="more-than-three"),
        pytest.param(MARKS, f"{MARKS}\nsafety = 3", r"\[first.marks.safety\] 3: expected a mark from", id="bar"),
        pytest.param(MARKS, f"{MARKS}\nsaftey = 5", "'saftey' is no criterion", id="criterion-typo"),
        pytest.param(
            MODES, f'{MODES}\npharmacist_only = {{ intake = "auto" }}', "answered by a pharmacist", id="pharmacists"
        ),
        pytest.param(MODES, f'{MODES}\nself_harm_suicide = {{ intake = "auto" }}', "held by a gate", id="gated"),
        pytest.param(MODES, f'{MODES}\nfollow_up = {{ intake = "auto_sned" }}', "'auto_sned'", id="mode-typo"),
        pytest.param(EVERY, 'automatic = "all"', r"\[may.automatic\] 'all'", id="what-may-run"),
        pytest.param(EVERY, 'automatic = ["pharmacist_only"]', r"\[may.automatic\] 'pharmacist_only'", id="never"),
        pytest.param('text = "※', 'text = "必ず治ります。※', r"\[marking.text\]", id="a-marking-that-claims"),
        pytest.param('text = "※', 'text = "https://evil.example ※', r"\[marking.text\]", id="a-marking-with-a-link"),
        pytest.param("[marking]", "[marked]", r"\[mark", id="no-marking"),
    ],
)
def test_a_file_that_says_too_much_stops_the_start(tmp_path: Path, there: str, instead: str, said: str) -> None:
    assert there in TEXT
    file = tmp_path / "policy.toml"
    file.write_text(TEXT.replace(there, instead, 1), encoding="utf-8")

    with pytest.raises(ConfigError, match=said):
        load_policy(file, FLOW)


def test_a_file_can_let_less_be_automatic(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(TEXT.replace('automatic = "every"', 'automatic = ["follow_up", "order_delivery.intake"]'))

    may = load_policy(file, FLOW).bounds.may_be_automatic

    assert may == {("order_delivery", "intake"), *(("follow_up", phase) for phase in FLOW.phases)}


def test_what_runs_is_written_back_as_a_file_that_says_the_same(tmp_path: Path) -> None:
    body = SHIPPED.first.model_dump(mode="json")
    running = Policy.model_validate(body | {"modes": {"order_delivery": {"intake": "auto"}}, "marks": {"tone": 5}})
    file = tmp_path / "policy.toml"

    file.write_text(written(running, SHIPPED), encoding="utf-8")

    again = load_policy(file, FLOW)
    assert (again.first, again.bounds) == (running, SHIPPED.bounds)
    assert [*differences(running, again)] == []
    assert [*differences(running, SHIPPED)] == [
        "marks.tone: 5 runs, policy.toml says 'nothing'",
        "modes.order_delivery.intake: 'auto' runs, policy.toml says 'nothing'",
    ]


def test_a_policy_for_another_flow_lets_nothing_out() -> None:
    body = SHIPPED.first.model_dump(mode="json") | {"modes": {"gone_category": {"intake": "auto"}}}

    found = SHIPPED.in_force(Policy.model_validate(body), 3, stopped=False)

    assert found.refusal == "policy_in_doubt"
    assert "gone_category" in found.problem
    assert found.mode_of("gone_category", "intake") is Mode.SUGGEST

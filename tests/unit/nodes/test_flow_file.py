"""The flow file is checked at start; each complaint names file, line, place, value, and what was expected."""

from pathlib import Path

import pytest

from nodes.load import KNOWN_FACTS, SHIPPED, load_flow, openings
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.flow import AnsweredBy

TEXT = """[flow]
draft_cap = 3
first_phase = "intake"

[categories.order]
label = "注文"
described = "注文のこと。"
answered_by = "machine"
facts = ["patient.orders"]
openings = ["注文する"]

[categories.person]
label = "薬剤師"
described = "ほかのこと。"
answered_by = "pharmacist"

[phases.intake]
label = "問診"
described = "聞き取り。"
next = ["taking"]

[phases.taking]
label = "服用中"
described = "飲んでいる。"

[criteria.safety]
label = "安全性"
described = "安全か。"
bar = 4
"""


def load(tmp_path: Path, old: str = "", new: str = "") -> object:
    """Return the flow of the text with `old` replaced, once, by `new`."""
    assert old in TEXT
    file = tmp_path / "flow.toml"
    file.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return load_flow(file)


def test_the_text_itself_is_good(tmp_path: Path) -> None:
    assert load(tmp_path)


def test_the_shipped_flow_has_what_the_design_names() -> None:
    flow = load_flow()

    assert [c.name for c in flow.machine_categories] == [
        "symptom_consultation", "product_usage", "order_delivery", "follow_up"
    ]  # fmt: skip
    assert flow.categories["pharmacist_only"].answered_by is AnsweredBy.PHARMACIST
    assert [*flow.phases] == ["intake", "proposal", "purchase", "taking"]
    assert [*flow.criteria] == ["safety", "accuracy", "answers_question", "phase_fit", "tone"]
    assert flow.criteria["safety"].bar == max(criterion.bar for criterion in flow.criteria.values())
    assert (flow.draft_cap, flow.first_phase) == (3, "intake")


def test_every_opening_names_one_category() -> None:
    flow = load_flow()

    assert openings(flow) == {text: c.name for c in flow.machine_categories for text in c.openings}


def test_a_patients_name_and_consent_are_no_facts() -> None:
    assert not {"patient.name", "patient.id", "patient.consent", "product.id"} & {*KNOWN_FACTS}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("draft_cap = 3", "draft_cap = 0", r":2: \[flow\.draft_cap\] 0: .*greater", id="no-drafts"),
        pytest.param("draft_cap = 3", "draft_cap = 6", r":2: \[flow\.draft_cap\] 6: .*less", id="six-drafts"),
        pytest.param("draft_cap = 3", 'draft_cap = "3"', r":2: \[flow\.draft_cap\] '3'", id="a-number-in-quotes"),
        pytest.param("draft_cap = 3", "draft_cap = true", r":2: \[flow\.draft_cap\] True", id="true"),
        pytest.param("draft_cap = 3", "draft_cap = nan", r":2: \[flow\.draft_cap\] nan", id="not-a-number"),
        pytest.param("draft_cap = 3\n", "", r":1: \[flow\.draft_cap\] Field required", id="no-cap"),
        pytest.param("draft_cap = 3", "draft_cap = 3\ndraft_kap = 3", r":3: \[flow\.draft_kap\] 3", id="a-typo"),
        pytest.param(
            '= "intake"', '= "trial"', r":3: \[flow\.first_phase\] 'trial': expected one of", id="no-such-start"
        ),
        pytest.param("[flow]", "[flaw]", r"\[flow\] Field required", id="no-flow-table"),
        pytest.param("[categories.order]", "[categories.Order]", r":5: \[categories\.Order", id="a-capital-letter"),
        pytest.param('label = "注文"', 'label = ""', r":6: \[categories\.order\.label\] ''", id="no-label"),
        pytest.param('label = "注文"', 'label = "注\\n文"', r":6: \[categories\.order\.label\]", id="two-lines"),
        pytest.param('= "machine"', '= "robot"', r":8: \[categories\.order\.answered_by\] 'robot'", id="a-robot"),
        pytest.param(
            "patient.orders", "patient.name", r":9: \[categories\.order\.facts\] 'patient\.name'", id="no-fact"
        ),
        pytest.param(
            "patient.orders", "product.colour", r":9: .* 'product\.colour': expected some of", id="unknown-fact"
        ),
        pytest.param("注文する", "", r":10: \[categories\.order\.openings\.0\] ''", id="an-empty-opening"),
        pytest.param("注文する", " 注文する", r":10: \[categories\.order\.openings\.0\]", id="an-opening-with-an-edge"),
        pytest.param(
            '["注文する"]', '["注文する", "注文する"]', r":10: .* '注文する': expected an opening of one", id="twice"
        ),
        pytest.param(
            'answered_by = "pharmacist"',
            'answered_by = "pharmacist"\nopenings = ["人と話す"]',
            r":16: \[categories\.person\.openings\] '人と話す'",
            id="an-opening-that-no-machine-answers",
        ),
        pytest.param(
            'answered_by = "machine"\nfacts = ["patient.orders"]\nopenings = ["注文する"]',
            'answered_by = "pharmacist"',
            r"\[categories\] \['order', 'person'\]: expected at least one",
            id="no-machine",
        ),
        pytest.param(
            '["taking"]', '["talking"]', r":20: \[phases\.intake\.next\] 'talking': expected other", id="no-phase"
        ),
        pytest.param('["taking"]', '["intake"]', r":20: \[phases\.intake\.next\] 'intake'", id="itself"),
        pytest.param(
            '["taking"]', "[]", r":22: \[phases\.taking\] 'taking': .* leads here from 'intake'", id="unreached"
        ),
        pytest.param("bar = 4", "bar = 6", r":29: \[criteria\.safety\.bar\] 6", id="a-bar-above-five"),
        pytest.param("bar = 4", "bar = -1", r":29: \[criteria\.safety\.bar\] -1", id="a-bar-below-one"),
        pytest.param("bar = 4", "bar = 1.1", r":29: \[criteria\.safety\.bar\] 1\.1", id="a-bar-between"),
        pytest.param("bar = 4\n", "", r":26: \[criteria\.safety\.bar\] Field required", id="no-bar"),
        pytest.param(
            "criteria.safety", "criteria.copy", r":26: \[criteria\.copy\] 'copy': expected another", id="taken"
        ),
        pytest.param("bar = 4", "bar = 4\nbar = 3", r"line 30", id="a-key-twice"),
        pytest.param("[phases.taking]", "[phases.intake]", r"line 22", id="a-table-twice"),
        pytest.param("bar = 4", "bar = ", r"line 29", id="no-toml"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"flow\.toml.*{said}"):
        load(tmp_path, old, new)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: .*expected a TOML file"):
        load_flow(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"   \n"], ids=["empty", "no-utf-8", "blank"])
def test_a_file_that_says_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "flow.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=r"flow\.toml"):
        load_flow(file)


def test_phases_may_go_round() -> None:
    flow = load_flow(SHIPPED)

    assert flow.phases_after("intake") == ("intake", "proposal")
    assert "intake" in flow.phases_after("proposal")

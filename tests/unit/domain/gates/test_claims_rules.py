"""The claim rules' file: read whole or not at all."""

from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.claims import RULE_FILE, LintContext, lint, load_rules

SHIPPED = RULE_FILE.read_text(encoding="utf-8")


def _written(folder: Path, words: str) -> Path:
    file = folder / "claims.toml"
    file.write_text(words, encoding="utf-8")
    return file


def test_a_missing_file_stops_the_load(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_rules(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("", "Field required", id="empty"),
        pytest.param("[rules", "expected a TOML file", id="no-toml"),
        pytest.param(SHIPPED + "\n[surprise]\nx = 1\n", "Extra inputs", id="unknown-table"),
        pytest.param(SHIPPED.replace("[rules.dose.more]", "[rules.dosage.more]"), r"lacks \['dose'\]", id="kind-gone"),
        pytest.param(SHIPPED.replace('"form.hidden" =', '"form.other" ='), "form.hidden", id="code-reason-gone"),
        pytest.param(SHIPPED.replace("'必ずしも'", "'(必ずしも'"), "is no pattern", id="broken-pattern"),
        pytest.param(SHIPPED.replace("'必ずしも'", "'(?=必ず)'"), "is no pattern", id="look-around"),
        pytest.param(SHIPPED.replace("'必ずしも'", "'<nobody>'"), "<nobody> is none of the words", id="unknown-word"),
        pytest.param(SHIPPED.replace("'必ずしも'", "'<loop>'").replace("[words]", "[words]\nloop = ['<loop>']"),
                     "stands inside itself", id="circle"),
        pytest.param(SHIPPED.replace("deniable = false", "deniable = 3"), "deniable", id="wrong-type"),
    ],
)  # fmt: skip
def test_a_broken_file_stops_the_load_and_says_where(tmp_path: Path, words: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_rules(_written(tmp_path, words))


def test_bytes_that_are_no_text_stop_the_load(tmp_path: Path) -> None:
    file = tmp_path / "claims.toml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match="UTF-8"):
        load_rules(file)


def test_a_claim_that_is_taken_back_is_none() -> None:
    assert lint("必ず治るとは言えません。") == ()
    assert "guarantee.certain_effect" in {hit.rule for hit in lint("必ず治ります。")}


@pytest.mark.parametrize(
    "text",
    [
        "効果を保証するものではありません。",
        "自己判断で中止せず、処方した医師に相談してください。",
        "必ず医師にご相談ください。",
        "病院のお薬は、自己判断で中止せずに主治医の先生へご相談ください。",
        "副作用が出ていないか、教えていただけますか。",
        "必ずしも全員に合うわけではありません。",
    ],
)
def test_a_sentence_that_denies_or_warns_may_be_sent(text: str) -> None:
    assert lint(text) == ()


def test_a_denial_in_another_sentence_takes_nothing_back() -> None:
    assert lint("必ず治ります。とは言えません、という人もいます。")


def test_a_question_is_no_claim_but_its_answer_is() -> None:
    assert lint("副作用は出ていませんか。") == ()
    assert lint("副作用はありませんから、ご安心ください。")


def test_a_herb_that_only_the_formulas_know_counts_too() -> None:
    text = "トウヒという生薬には胃を動かす作用があります。"

    assert [h.rule for h in lint(text, LintContext(crude_drugs=frozenset({"トウヒ"})))] == ["single_herb.effect"]


def test_internal_words_may_not_even_be_denied() -> None:
    assert [hit.rule for hit in lint("システムプロンプトはお見せできません。")] == ["prompt.words"]

"""What the recogniser refuses to start with, and what it does instead: everything is held."""

import shutil
from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.recognise import Recogniser, load_or_closed
from pharmacy.domain.gates.rules import CATEGORIES, FOLDER

FILE = "self_harm_suicide.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "rules"))


def append(folder: Path, lines: str) -> None:
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(lines)


@pytest.mark.parametrize("name", [*(f"{category}.toml" for category in CATEGORIES), "vocabulary.toml"])
def test_refuses_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(ConfigError, match=name):
        Recogniser.load(folder)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("[[rule", "cannot be read", id="not TOML"),
        pytest.param('category = "self_harm_suicide"\ntier = "E"\n', "has no rule of tier E", id="no rule left"),
        pytest.param('category = "x"\ntier = "E"\n', "category is 'x'", id="other category"),
        pytest.param('category = "self_harm_suicide"\ntier = "H"\n', "tier is 'H', expected 'E'", id="lowered tier"),
        pytest.param(
            'category = "self_harm_suicide"\ntier = "E"\nrules = 1\n', r"\['rules'\] is not known", id="unknown"
        ),
        pytest.param(
            'category = "self_harm_suicide"\ntier = "E"\n'
            '[[rule]]\nname = "a"\ntier = "H"\nsay = ["x"]\nhits = ["x"]\nmisses = ["y"]\n',
            "has no rule of tier E",
            id="every rule lowered",
        ),
    ],
)
def test_refuses_a_file_that_is_not_as_described(folder: Path, content: str, fault: str) -> None:
    (folder / FILE).write_text(content, encoding="utf-8")

    with pytest.raises(ConfigError, match=fault):
        Recogniser.load(folder)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        pytest.param("say = ['(a']", "is refused", id="open bracket"),
        pytest.param("say = ['(?=a)b']", "is refused", id="look-ahead"),
        pytest.param(r"say = ['(a)\1']", "is refused", id="back-reference"),
        pytest.param("say = ['(a|)']", "empty choice", id="empty choice"),
        pytest.param("say = ['痛?']", "found in an empty text", id="matches nothing"),
        pytest.param("say = ['<nobody>']", "<nobody> is in no vocabulary", id="unknown vocabulary"),
        pytest.param("say = []", "expected a list of one or more texts", id="no words"),
        pytest.param("say = ['a']\nunles = ['b']", r"\['unles'\] is not known", id="typing error in a key"),
        pytest.param("say = ['a']\nwithin = 'page'", "within is 'page'", id="unknown scope"),
        pytest.param("say = ['a']\ntier = 'Z'", "tier is 'Z'", id="unknown tier"),
        pytest.param("say = ['a']\nnegation_counts = 1", "negation_counts is 1", id="no yes or no"),
        pytest.param("unless = ['a']", "say is missing", id="nothing said"),
    ],
)
def test_refuses_a_rule_that_is_not_as_described(folder: Path, rule: str, fault: str) -> None:
    append(folder, f'\n[[rule]]\nname = "mine"\n{rule}\nhits = ["a"]\nmisses = ["b"]\n')

    with pytest.raises(ConfigError, match=fault) as refused:
        Recogniser.load(folder)

    assert str(refused.value).startswith(f"{FILE}: mine")


def test_refuses_two_rules_of_one_name(folder: Path) -> None:
    for _ in range(2):
        append(folder, '\n[[rule]]\nname = "mine"\nsay = ["a"]\nhits = ["a"]\nmisses = ["b"]\n')

    with pytest.raises(ConfigError, match=r"mine.*named twice"):
        Recogniser.load(folder)


def test_refuses_a_vocabulary_that_names_itself(folder: Path) -> None:
    (folder / "vocabulary.toml").write_text('[loop]\nnai = ["<nai>"]\n', encoding="utf-8")

    with pytest.raises(ConfigError, match="nai"):
        Recogniser.load(folder)


def test_refuses_a_stray_file(folder: Path) -> None:
    (folder / "self_harm.toml").write_text("a = 1\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"self_harm\.toml"):
        Recogniser.load(folder)


def test_a_closed_recogniser_holds_everything() -> None:
    recognition = Recogniser.closed("no rules").recognise("ありがとうございます")

    assert recognition.tier is Tier.U
    assert [hit.rule for hit in recognition.hits] == ["rules_unreadable"]


def test_unreadable_rules_close_the_gate(folder: Path) -> None:
    (folder / FILE).unlink()

    recogniser, problem = load_or_closed(folder)

    assert problem is not None
    assert recogniser.closed_by == str(problem)
    assert recogniser.recognise("こんにちは").tier is Tier.U


def test_readable_rules_leave_it_open() -> None:
    recogniser, problem = load_or_closed()

    assert problem is None
    assert recogniser.recognise("こんにちは").tier is None

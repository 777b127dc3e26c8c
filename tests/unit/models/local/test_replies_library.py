"""The written replies keep the house's rules: number, length, words, blanks, and wordings that find their own topic."""

import json
import re
from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.claims import lint
from pharmacy.models.local.guards import guarded
from pharmacy.models.local.library import PHASES, Written, library
from pharmacy.models.local.matching import Matcher, Said, wordings
from pharmacy.models.local.wording import folded
from tests.unit.models.local.asked import FLOW

ENTRIES = [entry for entries in library().values() for entry in entries]
REPLIES = [pytest.param(reply, id=f"{e.category}.{reply.id}") for e in ENTRIES for reply in e.replies]
FORBIDDEN = re.compile(
    r"必ず|絶対|最高|100%|安心安全|副作用はありません|完治|根治|https?:|www|@|\d{2,4}-\d{2,4}|[0-9０-９]"
)
BLANKS = re.compile(r"{{ ([a-z_.]+) }}")


def test_every_machine_category_has_its_replies() -> None:
    assert set(library()) == {category.name for category in FLOW.machine_categories}


@pytest.mark.parametrize("category", sorted(library()))
def test_a_category_has_at_least_sixty_written_replies(category: str) -> None:
    assert len({reply.text for entry in library()[category] for reply in entry.replies}) >= 60


def test_no_two_topics_of_a_category_share_a_name() -> None:
    for entries in library().values():
        assert len({entry.topic.id for entry in entries}) == len(entries)


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_is_short_polite_and_says_nothing_forbidden(reply: Written) -> None:
    text = reply.text

    assert 80 <= len(text) <= 250
    assert not FORBIDDEN.search(text)
    assert text.endswith(("。", "か。", "ね。"))
    assert lint(BLANKS.sub("食前又は食間", text)) == ()


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_needs_what_its_blanks_show_and_fits_known_phases(reply: Written) -> None:
    shown = {blank for blank in BLANKS.findall(reply.text) if blank.split(".")[0] in ("product", "order")}
    by_choice = {"product.formula", "product.use"} if reply.product == "covering" else {"product.formula"}

    assert shown - by_choice <= set(reply.needs)
    assert reply.phases
    assert set(reply.phases) <= set(PHASES)


def test_every_wording_keeps_its_own_topics_rules() -> None:
    matcher, lost = Matcher(library()), []

    for _, entry, wording in wordings(matcher.entries):
        said = Said(wording, entry.topic.after[0] if entry.topic.after else "")
        if entry.topic.id not in {e.topic.id for e in matcher.match(said, entry.category).entries}:
            lost.append((entry.topic.id, wording, matcher.match(said, entry.category).why))

    # With all wordings in, a message in a topic's own words finds it, but for those that stand between two topics.
    assert len(lost) <= 40, lost


def test_no_wording_is_a_row_that_the_gates_are_tested_with() -> None:
    lines = Path("tests/data/gate-utterances.jsonl").read_text("utf-8").splitlines()
    gate = {folded(json.loads(line)["text"]) for line in lines}

    assert not [w for entry in ENTRIES for w in entry.topic.intents if w in gate]


def test_no_wording_is_a_message_that_the_generator_is_measured_on() -> None:
    lines = Path("tests/data/local-replies.jsonl").read_text("utf-8").splitlines()
    openings = {folded(words) for category in FLOW.categories.values() for words in category.openings}
    measured = {folded(json.loads(line)["text"]) for line in lines} - openings

    assert not [w for entry in ENTRIES for w in entry.topic.intents if w in measured]


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("3歳の息子が夜泣きします", "child"),
        ("血圧の薬を飲んでいます", "medicine"),
        ("胸が締めつけられます", "breath_chest"),
        ("飲み始めてから発疹が出ました", "reaction"),
        ("間違えて2包飲んでしまいました", "overdose"),
        ("人に代わってください", "wants_person"),
    ],
)
def test_words_that_no_written_reply_may_answer_set_off_a_guard(text: str, guard: str) -> None:
    assert guard in guarded(folded(text))


def test_what_denies_a_danger_sets_off_no_guard() -> None:
    assert guarded(folded("副作用は特にありません。病院には通っていません")) == {}


def test_a_folder_without_replies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no written replies"):
        library(tmp_path)


def test_a_broken_file_is_refused_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('category = "x"\n[[topics]]\nid = "a"\nintents = ["一つだけ"]\n', "utf-8")

    with pytest.raises(ConfigError, match="expected topics with intents and replies"):
        library(tmp_path)

"""The committed weights are small, plain arrays that say what they are."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pharmacy.models.local.linear_weights import LinearWeights
from pharmacy.models.local.ngrams import LONGEST_READ, counted_ngrams, normal
from pharmacy.models.local.student import WEIGHTS, Student
from pharmacy.models.local.student_fields import classify_fields, matters
from pharmacy.models.local.word_kinds import with_kinds

NODES = ("classify", "switch_phase")


def test_all_weights_together_are_at_most_5_megabytes() -> None:
    assert 0 < sum(path.stat().st_size for path in WEIGHTS.glob("*")) <= 5_000_000
    assert sorted(path.name for path in WEIGHTS.glob("*")) == [f"{node}.npz" for node in NODES]


@pytest.mark.parametrize("node", NODES)
def test_no_file_of_weights_holds_a_pickled_object(node: str) -> None:
    with zipfile.ZipFile(WEIGHTS / f"{node}.npz") as stored:
        for name in stored.namelist():
            with stored.open(name) as array:
                header = array.read(200)
            assert header.startswith(b"\x93NUMPY")
            assert b"'descr': '|O'" not in header


@pytest.mark.parametrize("node", NODES)
def test_the_arrays_fit_together(node: str) -> None:
    weights = LinearWeights.load(WEIGHTS / f"{node}.npz")

    features, labels = len(weights.keys), len(weights.card.labels)
    assert weights.idf.shape == (features,)
    assert weights.matrix.shape == (features, labels)
    assert weights.bias.shape == (labels,)
    assert (np.diff(weights.keys) > 0).all()
    assert 0 < weights.card.threshold < 1


def test_a_saved_student_is_read_back_whole(tmp_path: Path) -> None:
    weights = Student.load("classify").weights

    weights.save(tmp_path / "copy.npz")
    back = LinearWeights.load(tmp_path / "copy.npz")

    assert back.card == weights.card
    assert back.fingerprint == weights.fingerprint
    assert np.array_equal(back.logits(classify_fields("届きました")), weights.logits(classify_fields("届きました")))


def test_another_threshold_is_another_fingerprint(tmp_path: Path) -> None:
    weights = Student.load("classify").weights

    replace(weights, card=weights.card.model_copy(update={"threshold": 0.5})).save(tmp_path / "other.npz")

    assert LinearWeights.load(tmp_path / "other.npz").fingerprint != weights.fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("ｶﾝﾎﾟｳ", "カンポウ", id="half-width"),
        pytest.param("2 週間", "14週間", id="any-number"),
        pytest.param("葛根湯は苦い", "当帰芍薬散は苦い", id="any-formula"),
        pytest.param("届\u200bき\nました", "届きました", id="spaces-and-joiners"),
    ],
)
def test_texts_that_mean_the_same_read_the_same(one: str, other: str) -> None:
    assert normal(one) == normal(other)


def test_an_n_gram_is_counted_in_its_own_field() -> None:
    text, reply = (counted_ngrams("はいはい", field, 2) for field in ("text", "reply in intake"))

    assert text.counts.sum() == 6 + 5
    assert sorted(text.counts.tolist()) == sorted(reply.counts.tolist())
    assert not set(text.keys.tolist()) & set(reply.keys.tolist())


def test_a_very_long_text_is_read_from_both_ends() -> None:
    read = normal("あ" * 4000 + "い" * 4000)

    assert len(read) == LONGEST_READ + 2
    assert read[1] == "あ"
    assert read[-2] == "い"


def test_two_words_of_one_kind_are_one_sign() -> None:
    assert with_kinds("発送はいつ") == with_kinds("配達はいつ") != with_kinds("生薬はいつ")


def test_the_parts_of_a_message_are_its_sentences_and_what_is_added() -> None:
    assert matters("発送日を教えて下さい。あと、味は苦いですか?") == ["発送日を教えて下さい", "味は苦いですか"]
    assert matters("はい。\nそうです。") == []

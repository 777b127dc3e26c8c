"""Every patient is in one split, for ever, in whatever order datasets are built."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from distillation.datasets.candidates import Candidate
from distillation.datasets.choosing import choose
from distillation.datasets.rules import Split, read_rules
from distillation.datasets.splitting import HELD_OUT, SPLITS, TRAIN, VALIDATION, assigned

RULES = Split(held_out_share=0.2, validation_share=0.1)
DAY = datetime(2026, 11, 1, tzinfo=UTC)

patients = st.lists(st.integers(0, 60).map("p-{}".format), max_size=25, unique=True)
builds = st.lists(patients, max_size=8)


def seen(names: list[str]) -> dict[str, datetime]:
    return {name: DAY + timedelta(hours=int(name.removeprefix("p-"))) for name in names}


@given(builds)
def test_no_patient_is_ever_in_two_splits_whatever_is_built_when(order: list[list[str]]) -> None:
    known: dict[str, str] = {}
    ever: dict[str, set[str]] = {}

    for names in order:
        new = assigned(seen(names), known, RULES)
        assert new.keys() == set(names) - known.keys()
        known |= new
        for name in names:
            ever.setdefault(name, set()).add(known[name])

    assert all(len(splits) == 1 and splits <= set(SPLITS) for splits in ever.values())


@given(st.integers(5, 60))
def test_the_newest_fifth_of_new_patients_is_held_out(count: int) -> None:
    found = assigned(seen([f"p-{number}" for number in range(count)]), {}, RULES)

    held = [name for name, split in found.items() if split == HELD_OUT]
    assert len(held) == int(0.2 * count + 0.5)
    assert set(held) == {f"p-{number}" for number in range(count - len(held), count)}


@given(st.integers(10, 60), st.sampled_from((0.5, 0.86)))
def test_a_share_that_is_asked_for_is_held_out_of_those_who_are_in_no_split_yet(count: int, share: float) -> None:
    known = {f"known-{number}": TRAIN for number in range(7)}

    found = assigned(seen([f"p-{number}" for number in range(count)]), known, RULES, share)

    assert sum(split == HELD_OUT for split in found.values()) == int(share * count + 0.5)
    assert not found.keys() & known.keys()


@given(builds)
def test_however_few_come_at_a_time_the_shares_are_kept(order: list[list[str]]) -> None:
    known: dict[str, str] = {}
    for names in order:
        for name in names:
            known |= assigned(seen([name]), known, RULES)

    held = sum(split == HELD_OUT for split in known.values())
    validation = sum(split == VALIDATION for split in known.values())
    assert abs(held - 0.2 * len(known)) <= 1
    assert abs(validation - 0.1 * (len(known) - held)) <= 1


words = st.text(alphabet="あいうえお", min_size=1, max_size=6)


@given(st.lists(st.tuples(words, st.sampled_from(SPLITS)), max_size=25))
def test_no_two_alike_rows_are_in_two_splits(drawn: list[tuple[str, str]]) -> None:
    candidates = [candidate(number, text) for number, (text, _) in enumerate(drawn)]
    splits = {one.patient_id: split for one, (_, split) in zip(candidates, drawn, strict=True)}

    chosen = choose(candidates, splits, read_rules(), None)

    for split, one in chosen.rows:
        assert split == splits[one.patient_id]
        assert all(other.read != one.read for of, other in chosen.rows if of != split)
    assert len(chosen.rows) + chosen.left_out.total() == len(drawn)


def test_of_two_that_are_nearly_alike_the_one_that_measures_stays() -> None:
    told = "最近ずっと手足が冷えて夜も眠れません。体質から見直したいのですが、合う漢方はありますか"
    candidates = [candidate(1, told + "。"), candidate(2, told + "?"), candidate(3, "荷物はいつ届きますか")]
    splits = {"p-1": TRAIN, "p-2": HELD_OUT, "p-3": TRAIN}

    chosen = choose(candidates, splits, read_rules(), None)

    assert [one.patient_id for _, one in chosen.rows] == ["p-3", "p-2"]
    assert chosen.left_out == {"near_duplicate_in_train": 1}


def test_what_is_asked_and_answered_twice_in_a_split_is_kept_once_and_counted() -> None:
    candidates = [candidate(number, "荷物はいつ届きますか") for number in range(3)]

    chosen = choose(candidates, {one.patient_id: TRAIN for one in candidates}, read_rules(), None)

    assert [one.patient_id for _, one in chosen.rows] == ["p-0"]
    assert chosen.left_out == {"duplicate_in_its_split": 2}


def candidate(number: int, text: str) -> Candidate:
    row = {"id": f"{number:04}", "user": text, "target": "x", "rejected": None, "kind": "approved", "passes": {},
           "critical": False}  # fmt: skip
    return Candidate(number, f"p-{number}", f"c-{number}", 1, DAY + timedelta(minutes=number), row, text)

"""A dataset's version goes to LangSmith redacted and whole, once, and comes back as it went."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr

from pharmacy.domain.errors import ConfigError
from pharmacy.observing.datasets import DatasetDiffers, DatasetExample, Datasets, name_of
from pharmacy.observing.langsmith_client import LangSmith, LangSmithFailed, Unfit
from pharmacy.redaction.redact import Redactor
from pharmacy.settings import Settings
from tests.api.canaries import canaries, leaked
from tests.fakes.langsmith_server import Fault, LangSmithFake
from tests.fakes.langsmith_server.fake import KEY

NAME = name_of("default", "classify")
ROWS = [
    DatasetExample({"transcript": f"{n}番の発送日はいつですか"}, {"category": "order_delivery"},
                   "held_out" if n % 4 == 0 else "train", {"phase": "purchase", "weight": n / 2})
    for n in range(12)
]  # fmt: skip


def datasets_at(langsmith: LangSmithFake) -> Datasets:
    settings = Settings(langsmith_api_key=SecretStr(KEY), langsmith_endpoint=langsmith.url)
    return Datasets(LangSmith(settings), Redactor())


async def test_a_version_comes_back_by_its_tag_with_splits_and_metadata() -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)

        pushed = await datasets.push(NAME, "v1", ROWS)

        whole, held = await datasets.pull(NAME, "v1"), await datasets.pull(NAME, "v1", ["held_out"])
        assert (pushed.added, pushed.removed) == (12, 0)
        assert whole.content == pushed.content
        assert sorted(map(repr, whole.examples)) == sorted(map(repr, ROWS))
        assert {each.split for each in held.examples} == {"held_out"}
        assert len(held.examples) == 3
        assert langsmith.problems == []
        datasets.langsmith.close()


async def test_the_same_version_again_sends_nothing_and_other_rows_under_it_are_refused() -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)
        await datasets.push(NAME, "v1", ROWS)

        again = await datasets.push(NAME, "v1", [*reversed(ROWS)])

        assert (again.added, again.removed, langsmith.platform.datasets.uploads) == (0, 0, 12)
        with pytest.raises(DatasetDiffers, match="version 'v1' is in LangSmith with other rows"):
            await datasets.push(NAME, "v1", [*ROWS[:5], replace(ROWS[5], split="validation")])
        datasets.langsmith.close()


async def test_rows_that_have_left_a_version_leave_it_in_langsmith_for_good() -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)
        await datasets.push(NAME, "v1", [*ROWS, ROWS[3]])

        left = await datasets.push(NAME, "v1", ROWS[3:])

        again = await datasets.push(NAME, "v1", ROWS[3:])
        (kept,) = langsmith.platform.datasets.kept.values()
        assert (left.added, left.removed, again.removed, len(kept.examples)) == (0, 4, 0, 9)
        assert (await datasets.pull(NAME, "v1")).content == left.content
        assert langsmith.problems == []
        datasets.langsmith.close()


async def test_a_version_that_has_lost_all_its_rows_leaves_none_in_langsmith_and_a_new_one_needs_some() -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)
        await datasets.push(NAME, "v1", ROWS)

        left = await datasets.push(NAME, "v1", [])

        assert (left.removed, (await datasets.pull(NAME, "v1")).examples) == (12, ())
        with pytest.raises(Unfit, match="has no rows"):
            await datasets.push(NAME, "v2", [])
        datasets.langsmith.close()


async def test_a_newer_version_takes_the_place_of_the_latest_and_the_older_stays_as_it_was() -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)
        first = await datasets.push(NAME, "v1", ROWS)

        second = await datasets.push(NAME, "v2", ROWS[:5])

        assert (second.added, second.removed) == (5, 12)
        assert (await datasets.pull(NAME, "v1")).content == first.content
        assert (await datasets.pull(NAME)).content == (await datasets.pull(NAME, "v2")).content == second.content
        datasets.langsmith.close()


@pytest.mark.parametrize("lost", ["POST /v1/platform", "PUT /datasets"])
async def test_a_push_that_broke_off_is_made_whole_by_the_next(lost: str) -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)
        langsmith.faults = [Fault(lost, 500, taken=True)]
        with pytest.raises(LangSmithFailed):
            await datasets.push(NAME, "v1", ROWS)

        await datasets.push(NAME, "v1", ROWS)

        assert len((await datasets.pull(NAME, "v1")).examples) == langsmith.platform.datasets.uploads == 12
        assert langsmith.problems == []
        datasets.langsmith.close()


async def test_rows_that_are_alike_are_all_kept() -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)

        await datasets.push(NAME, "v1", [ROWS[0]] * 3)

        assert len((await datasets.pull(NAME, "v1")).examples) == 3
        datasets.langsmith.close()


async def test_none_of_200_canaries_leaves_with_a_dataset(figure: Callable[..., None]) -> None:
    every = canaries()
    rows = [
        DatasetExample({"deep": [{"transcript": f"{each.sentence} 鴉野小夜子"}]}, {"reply": each.sentence}, "train",
                       {"said": each.sentence}, known_names=("鴉野 小夜子",))
        for each in every
    ]  # fmt: skip
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)

        await datasets.push(NAME, "v1", rows)

        everything = langsmith.everything()
        datasets.langsmith.close()
    found = leaked(everything, every)
    figure("P15", "canaries in a pushed dataset", measured=f"{len(found)} of 200", asked="0 of 200", holds=not found)
    assert found == []
    assert "小夜子" not in everything
    assert "〔氏名1〕" in everything


async def test_an_unknown_version_cannot_be_pulled() -> None:
    with LangSmithFake() as langsmith:
        datasets = datasets_at(langsmith)
        await datasets.push(NAME, "v1", ROWS)

        with pytest.raises(LangSmithFailed, match="LangSmithNotFoundError"):
            await datasets.pull(NAME, "v9")
        datasets.langsmith.close()


@pytest.mark.parametrize("version", ["latest", "content-1"])
async def test_a_name_that_is_no_versions_own_is_refused(version: str) -> None:
    with LangSmithFake() as langsmith, pytest.raises(Unfit, match="a version's own name"):
        await datasets_at(langsmith).push(NAME, version, ROWS)


async def test_without_a_key_nothing_is_asked() -> None:
    datasets = Datasets(LangSmith(Settings()), Redactor())

    with pytest.raises(ConfigError, match="LANGSMITH_API_KEY is not set"):
        await datasets.push(NAME, "v1", [replace(ROWS[0])])

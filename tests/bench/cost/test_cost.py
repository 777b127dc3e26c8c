"""The replay of cost: its provider caches and counts as documented, students err as stated, sums are the records'."""

import json
from typing import Any

import pytest

from tests.bench.cost.answers import FITTING, VAGUE, Models, is_right
from tests.bench.cost.columns import COLUMNS
from tests.bench.cost.figures import all_figures
from tests.bench.cost.played import Order, play
from tests.bench.cost.provider import Replayed
from tests.bench.cost.traffic import traffic
from tests.circle.truth import Message
from tests.fakes.openai_server.prompt_cache import IDLE_SECONDS, PromptCache

CLASSIFICATION = {"properties": {"category": {"enum": ["follow_up", "product_usage", "pharmacist_only"]}}}
STUDENT = "ft:gpt-4o-mini-2024-07-18:kakari::classify01"


class Clock:
    """A time that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_prompt_is_cached_from_1024_tokens_on_in_steps_of_128_for_its_model_alone() -> None:
    cache = PromptCache(Clock())
    words = [str(n) for n in range(1500)]

    assert cache.take("a", words) == 0
    assert cache.take("a", words) == 1024 + 3 * 128
    assert cache.take("a", [*words[:1200], "else"]) == 1024 + 128
    assert cache.take("a", words[:1023]) == 0
    assert cache.take("a", ["else", *words]) == 0
    assert cache.take("b", words) == 0


def test_a_prompt_that_nobody_asks_for_falls_out_of_the_cache() -> None:
    clock = Clock()
    cache, words = PromptCache(clock), ["a"] * 1200
    cache.take("a", words)

    clock.now = IDLE_SECONDS
    assert cache.take("a", words) == 1152  # and it is kept from now on
    clock.now = 2 * IDLE_SECONDS
    assert cache.take("a", words) == 1152
    clock.now = 3 * IDLE_SECONDS + 1
    assert cache.take("a", words) == 0


@pytest.mark.parametrize(("caches", "cached"), [(True, 1536), (False, 0)])
def test_usage_is_counted_from_what_was_sent(caches: bool, cached: int) -> None:
    provider = Replayed(Models({"x": Message("k", "x", "follow_up")}, 1, 0.0, 0.0), caches=caches)

    first, again = (provider.to(_asked("gpt-4o", "あ" * 2400, "x")) for _ in range(2))

    assert (first.prompt_tokens, first.cached_tokens) == (again.prompt_tokens, 0)
    assert again.cached_tokens == cached
    assert 1600 <= again.prompt_tokens < 1760  # three letters are two tokens; the frame and the schema add to them
    assert json.loads(again.text)["category"] == "follow_up"


def test_a_student_says_something_else_than_its_teacher_as_often_as_stated() -> None:
    known = {f"m{n}": Message("k", f"m{n}", "follow_up") for n in range(4000)}
    models = Models(known, 7, 0.05, 0.03)
    teacher, student = ([_category(models, model, words) for words in known] for model in ("gpt-4o", STUDENT))

    assert 0.04 < sum(said != "follow_up" for said in teacher) / len(known) < 0.06
    assert 0.02 < sum(a != b for a, b in zip(teacher, student, strict=True)) / len(known) < 0.04


def test_a_draft_is_right_that_holds_the_fact_or_fits_the_category() -> None:
    timing = Message("timing", "m", "product_usage", must=("食前又は食間",))

    assert is_right(timing, "食前又は食間とされています。")
    assert not is_right(timing, FITTING["product_usage"][0])
    assert is_right(Message("k", "m", "follow_up"), FITTING["follow_up"][1])
    assert not is_right(Message("k", "m", "follow_up"), VAGUE)
    assert not is_right(Message("k", "m", "pharmacist_only"), VAGUE)


@pytest.mark.long
def test_what_a_column_costs_is_what_its_records_say() -> None:
    order = Order(seed=3, messages=24, teacher_error=0.05, student_error=0.03)
    played = [play(column, traffic(order.seed, order.messages), order, lambda: None) for column in COLUMNS[3:4]]

    (found,) = all_figures(played)

    assert found["messages"] == 24
    assert found["cost_usd"] == pytest.approx(sum(node["cost_usd"] for node in found["by_node"].values()))
    assert found["records_less_outcomes_usd"] == pytest.approx(0, abs=1e-9)
    assert found["records_less_provider_tokens"] == 0
    assert 0 < found["cached_tokens"] == played[0].provider["cached_tokens"]
    assert any(model.startswith("openai:ft:") for model in found["by_model"])


def _asked(model: str, system: str, said: str) -> dict[str, Any]:
    schema = {"name": "Classification", "schema": CLASSIFICATION}
    messages = [{"role": "system", "content": system}, {"role": "user", "content": _user(said)}]
    return {"model": model, "messages": messages, "response_format": {"json_schema": schema}}


def _user(said: str) -> str:
    line = json.dumps({"from": "patient", "text": said}, ensure_ascii=False)
    return f"<conversation>\n{line}\n</conversation>"


def _category(models: Models, model: str, said: str) -> str:
    return str(models.answer(model, "Classification", CLASSIFICATION, _user(said))["category"])

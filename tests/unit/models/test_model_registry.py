"""Which model serves a node: by the tables, the environment, the drafts written, and the prompt a student knows."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pharmacy.domain.errors import ConfigError, ModelUnavailable
from pharmacy.domain.serving import Serving, drawn
from pharmacy.models.registry import Registry
from pharmacy.models.run_models import Chosen
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.models.setting import (
    ANSWER,
    FINGERPRINT,
    GOOD,
    KEY,
    PROMPT,
    STUDENT,
    Label,
    RegistryOn,
    table_text,
    tables_of,
)

URL = "https://api.openai.com/v1"
HERE = "http://127.0.0.1:9/v1"
PUPIL = {"model": f"openai:{STUDENT}", "prompt_fingerprint": FINGERPRINT}
TEACHER = "gpt-4o-2024-08-06"
ROOT = Path(__file__).parents[3]


def _built(folder: Path, mode: str, environ: dict[str, str], url: str = URL, **changes: object) -> Registry:
    tables = tables_of(folder, table_text(url, **changes))
    return Registry.build(tables, {"classify": FINGERPRINT}, mode, environ, local_model=lambda _: ScriptedModel(GOOD))


@pytest.mark.parametrize(
    ("environ", "mode"),
    [
        pytest.param({}, "local", id="nothing-set"),
        pytest.param({"OPENAI_API_KEY": "   "}, "local", id="a-blank-key"),
        pytest.param({"OPENAI_API_KEY": "sk-1"}, "openai", id="a-key"),
        pytest.param({"OPENAI_BASE_URL": HERE}, "openai", id="an-address"),
    ],
)
def test_auto_goes_by_the_environment(tmp_path: Path, environ: dict[str, str], mode: str) -> None:
    assert _built(tmp_path, "auto", environ).mode == mode


def test_local_is_kept_to_though_a_key_is_set(tmp_path: Path) -> None:
    registry = _built(tmp_path, "local", {"OPENAI_API_KEY": "sk-1"})

    assert registry.describe("classify") == "local:classify"


@pytest.mark.parametrize(
    ("mode", "environ", "said"),
    [
        pytest.param("openai", {}, "OPENAI_API_KEY is not set", id="no-key"),
        pytest.param("openai", {"OPENAI_API_KEY": " \n"}, "OPENAI_API_KEY is not set", id="a-blank-key"),
        pytest.param("openai", {"OPENAI_API_KEY": "sk-1\nX: 2"}, "no key has", id="a-key-of-two-lines"),
        pytest.param("openai", {"OPENAI_API_KEY": "ｓｋ"}, "no key has", id="a-full-width-key"),
        pytest.param(
            "auto", {"OPENAI_BASE_URL": "http://10.0.0.4/v1"}, "OPENAI_BASE_URL.*unencrypted", id="plain-http"
        ),
        pytest.param("gpt", {}, "'gpt'; expected 'auto', 'openai' or 'local'", id="an-unknown-mode"),
    ],
)
def test_an_environment_that_cannot_serve_stops_the_start(
    tmp_path: Path, mode: str, environ: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        _built(tmp_path, mode, environ)


async def test_an_address_of_ones_own_needs_no_key(tmp_path: Path, fake: OpenAIFake) -> None:
    registry = _built(tmp_path, "auto", {"OPENAI_BASE_URL": fake.url})

    await registry.for_run(10, 12).model("classify").answer(PROMPT, Label)
    await registry.aclose()

    assert len(fake.log.chats()) == 1


@pytest.mark.parametrize("serving", ["student", "canary"])
@pytest.mark.parametrize("now", ["000000000000", None])
def test_a_student_under_another_prompt_stops_the_start_naming_both(
    tmp_path: Path, serving: str, now: str | None
) -> None:
    tables = tables_of(tmp_path, table_text(URL, serving=serving, canary_share=0.5, student=PUPIL))

    with pytest.raises(ConfigError, match=f"'{FINGERPRINT}'.*{now!r}"):
        Registry.build(tables, {"classify": now} if now else {}, "openai", KEY)


def test_a_student_that_does_not_serve_may_know_another_prompt(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, table_text(URL, student=PUPIL))

    assert Registry.build(tables, {"classify": "000000000000"}, "openai", KEY).mode == "openai"


def test_local_mode_starts_whatever_prompt_a_student_knows(tmp_path: Path) -> None:
    stale = {**PUPIL, "prompt_fingerprint": "000000000000"}

    assert _built(tmp_path, "local", {}, serving="student", student=stale).describe("classify") == "local:classify"


async def test_a_second_draft_is_the_teachers(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(serving="student", student=PUPIL) as models:
        run = models.for_run(10, 12)
        for drafts in range(3):
            await run.model("classify", drafts).answer(PROMPT, Label)

    assert [entry.model for entry in fake.log.chats()] == [STUDENT, "gpt-4o-2024-08-06", "gpt-4o-2024-08-06"]


async def test_a_student_may_be_let_write_a_second_draft(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(serving="student", student=PUPIL | {"drafts": 2}) as models:
        run = models.for_run(10, 12)
        for drafts in range(3):
            await run.model("classify", drafts).answer(PROMPT, Label)

    assert [entry.model for entry in fake.log.chats()] == [STUDENT, STUDENT, "gpt-4o-2024-08-06"]


async def test_a_canary_serves_its_share_and_a_run_keeps_to_its_draw(fake: OpenAIFake, registry: RegistryOn) -> None:
    names = [f"shop/c{number}" for number in range(40)]
    falls = [drawn(name, "classify", "canary") < 0.25 for name in names]

    async with registry(serving="canary", canary_share=0.25, student=PUPIL) as models:
        for name in names:
            for _ in range(2):
                run = models.for_run(10, 12, conversation=name)
                await run.model("classify").answer(PROMPT, Label)

    asked = [entry.model for entry in fake.log.chats()]
    assert asked == [STUDENT if falls_to_it else TEACHER for falls_to_it in falls for _ in range(2)]
    assert 0 < sum(falls) < 40


async def test_which_model_was_drawn_is_told_with_its_probability(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(serving="canary", canary_share=0.25, student=PUPIL) as models:
        told = set()
        for number in range(40):
            run = models.for_run(10, 12, conversation=f"shop/c{number}")
            run.model("classify")
            told.add(run.chosen["classify"])

    assert told == {Chosen(f"openai:{STUDENT}", 0.25), Chosen(f"openai:{TEACHER}", 0.75)}


async def test_nothing_is_drawn_where_one_model_serves(registry: RegistryOn) -> None:
    async with registry(student=PUPIL) as models:
        run = models.for_run(10, 12)
        run.model("classify")

    assert run.chosen == {}


async def test_a_decision_holds_for_the_runs_that_know_it(fake: OpenAIFake, registry: RegistryOn) -> None:
    decided = {"classify": Serving("student", student=PUPIL["model"])}

    async with registry(student=PUPIL) as models:
        await models.for_run(10, 12).model("classify").answer(PROMPT, Label)
        await models.for_run(10, 12, decided=decided).model("classify").answer(PROMPT, Label)

    assert [entry.model for entry in fake.log.chats()] == [TEACHER, STUDENT]


@pytest.mark.parametrize(
    ("table", "decided", "said"),
    [
        pytest.param({}, Serving("student"), "has no student", id="none-in-the-file"),
        pytest.param(
            {"student": PUPIL}, Serving("student", student="openai:ft:other"), "decided of student 'openai:ft:other'",
            id="another-than-the-files",
        ),
        pytest.param(
            {"student": {**PUPIL, "prompt_fingerprint": "000000000000"}}, Serving("student"), "trained under prompt",
            id="another-prompt",
        ),
    ],
)  # fmt: skip
async def test_a_decision_that_no_longer_fits_the_file_leaves_it_to_the_teacher(
    fake: OpenAIFake, registry: RegistryOn, table: dict[str, Any], decided: Serving, said: str
) -> None:
    async with registry(**table) as models:
        assert said in str(models.why_not("classify", decided))
        await models.for_run(10, 12, decided={"classify": decided}).model("classify").answer(PROMPT, Label)

    assert [entry.model for entry in fake.log.chats()] == [TEACHER]


async def test_a_shadow_is_the_student_in_its_share_of_conversations(registry: RegistryOn) -> None:
    names = [f"shop/c{number}" for number in range(40)]

    async with registry(shadow_share=0.5, student=PUPIL) as models:
        runs = [models.for_run(10, 12, conversation=name) for name in names]
        before = [run.shadows for run in runs]
        for run in runs:
            await run.model("classify").answer(PROMPT, Label)

    drawn_ones = [drawn(name, "classify", "shadow") < 0.5 for name in names]
    assert before == [{}] * 40
    assert [run.shadows for run in runs] == [
        {"classify": Chosen(f"openai:{STUDENT}", 0.5)} if is_drawn else {} for is_drawn in drawn_ones
    ]


async def test_no_student_answers_beside_itself(registry: RegistryOn) -> None:
    names = (f"shop/c{number}" for number in range(40))
    by_student = next(name for name in names if drawn(name, "classify", "canary") < 0.5)

    async with registry(serving="canary", canary_share=0.5, shadow_share=1, student=PUPIL) as models:
        run = models.for_run(10, 12, conversation=by_student)
        await run.model("classify").answer(PROMPT, Label)

    assert run.shadows == {}


async def test_what_fails_beside_a_reply_closes_no_endpoint_to_it(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.server_error(500), times=8)

    async with registry(shadow_share=1, student=PUPIL) as models:
        for _ in range(4):
            with pytest.raises(ModelUnavailable):
                await models.for_beside(10, 12).named("classify", f"openai:{STUDENT}").answer(PROMPT, Label)
        open_after = models.open_breakers
        await models.for_run(10, 12).model("classify").answer(PROMPT, Label)

    assert open_after == ()


async def test_local_mode_serves_a_local_student_and_no_other(tmp_path: Path) -> None:
    inside = {"model": "local:small", "prompt_fingerprint": FINGERPRINT}

    assert _built(tmp_path, "local", {}, serving="student", student=inside).describe("classify") == "local:small"
    assert _built(tmp_path, "local", {}, serving="student", student=PUPIL).describe("classify") == "local:classify"


async def test_local_calls_are_booked_and_cost_nothing(tmp_path: Path) -> None:
    registry = _built(tmp_path, "local", {})
    run = registry.for_run(10, 12)

    answer = await run.model("classify", drafts_written=2).answer(PROMPT, Label)

    (call,) = run.calls
    assert answer == ANSWER
    assert (call.model_asked, call.model_served) == ("local:classify", "local:classify")
    assert call.output == ANSWER.model_dump_json()
    assert (run.cost_usd, call.prompt_tokens, call.completion_tokens) == (0, 0, 0)


async def test_a_student_may_run_in_the_process(fake: OpenAIFake, registry: RegistryOn) -> None:
    inside = {"model": "local:classify", "prompt_fingerprint": FINGERPRINT}

    async with registry(serving="student", student=inside, local_model=lambda _: ScriptedModel(GOOD)) as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)

    assert not fake.log.chats()
    assert run.served == {"classify": "local:classify"}


def test_a_node_without_a_table_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no table \[clasify\]; expected one of \['classify'\]"):
        _built(tmp_path, "local", {}).for_run(10, 12).model("clasify")


async def test_every_model_of_an_endpoint_shares_its_connections(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(fallback="openai:gpt-4.1") as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)
        await run.named("classify", "openai:gpt-4.1").answer(PROMPT, Label)

    assert [entry.model for entry in fake.log.chats()] == ["gpt-4o-2024-08-06", "gpt-4.1"]
    assert len({entry.client_port for entry in fake.log.chats()}) == 1


def test_words_and_keys_go_to_the_given_address_whatever_other_variables_say(tmp_path: Path, fake: OpenAIFake) -> None:
    (tmp_path / "models.toml").write_text(table_text(fake.url), encoding="utf-8")
    code = (
        "import asyncio, pathlib, sys\n"
        "from pharmacy.models.registry import Registry\n"
        "from pharmacy.models.tables import read_tables\n"
        "from tests.unit.models.setting import KEY, PROMPT, Label\n"
        "tables = read_tables(pathlib.Path(sys.argv[1]))\n"
        "models = Registry.build(tables, {}, 'openai', KEY)\n"
        "asyncio.run(models.for_run(10, 12).model('classify').answer(PROMPT, Label))\n"
    )
    with OpenAIFake() as elsewhere:
        lures = ("OPENAI_API_BASE", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY")
        astray = {"LANGSMITH_GATEWAY": "true", "LANGSMITH_API_KEY": "lsv2_x"} | dict.fromkeys(lures, elsewhere.url)
        command = [sys.executable, "-c", code, str(tmp_path / "models.toml")]

        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, **astray})

        assert not elsewhere.log.entries
    assert len(fake.log.chats()) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_words_do_not_follow_a_redirect(fake: OpenAIFake, registry: RegistryOn, status: int) -> None:
    with OpenAIFake() as elsewhere:
        fake.script.fail(faults.redirect(f"{elsewhere.url}/chat/completions", status), times=None)
        async with registry() as models:
            with pytest.raises(ModelUnavailable, match=str(status)):
                await models.for_run(10, 12).model("classify").answer(PROMPT, Label)

        assert not elsewhere.log.entries
    assert len(fake.log.chats()) == 1


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        pytest.param("gpt-4o", {"temperature": 0}, {"temperature": 0}, id="gpt-4o"),
        pytest.param("gpt-6-luna", {"temperature": 0}, {}, id="gpt-6-reasoning"),
        pytest.param("gpt-6-luna", {"temperature": 0, "reasoning_effort": "none"},
                     {"temperature": 0, "reasoning_effort": "none"}, id="gpt-6-without-reasoning"),
        pytest.param("gpt-4o", {}, {}, id="none-given"),
    ],
)  # fmt: skip
async def test_a_temperature_is_sent_only_where_it_is_taken(
    fake: OpenAIFake, registry: RegistryOn, model: str, given: dict[str, object], sent: dict[str, object]
) -> None:
    async with registry(teacher=f"openai:{model}", **given) as models:
        await models.for_run(10, 12).model("classify").answer(PROMPT, Label)

    body = fake.log.chats()[0].body
    assert {key: body[key] for key in ("temperature", "reasoning_effort") if key in body} == sent
    assert body["max_completion_tokens"] == 300


def test_advice_names_last_days_prices_kin_and_sizes(tmp_path: Path) -> None:
    generator = table_text(URL, teacher="openai:ft:gpt-4o-mini-2024-07-18:a::b").split("[classify]")[1]
    text = table_text(
        URL, teacher="other:qwen3-32b", fallback="openai:gpt-5", temperature=0, max_output_tokens=128_000,
        more=f'[judge]{table_text(URL).split("[classify]")[1]}\n[generate_follow_up]{generator}\n'
        '[endpoints.other]\nbase_url = "http://127.0.0.1:9/v1"',
    )  # fmt: skip

    registry = Registry.build(tables_of(tmp_path, text), {}, "openai", KEY, today=date(2026, 12, 20))

    said = "\n".join(registry.warnings)
    assert "openai:gpt-5: was announced to stop on 2026-12-11" in said
    assert "openai:ft:gpt-4o-mini-2024-07-18:a::b: SOON: is announced to stop on 2027-01-14, in 25 days" in said
    assert "kakari drill generate_follow_up" in said
    assert "other:qwen3-32b: context size and last day are not known" in said
    assert "other:qwen3-32b: price is not known" in said
    assert "the judge openai:gpt-4o-2024-08-06 is of the same family as openai:ft:gpt-4o-mini" in said
    assert "[classify] temperature is not sent to openai:gpt-5" in said
    assert "gpt-5: price" not in said


@pytest.mark.parametrize(
    ("today", "told"),
    [
        pytest.param(date(2026, 10, 1), None, id="105-days"),
        pytest.param(date(2026, 10, 16), ": is announced to stop", id="90-days"),
        pytest.param(date(2026, 12, 15), ": SOON: is announced to stop", id="30-days"),
        pytest.param(date(2027, 1, 7), ": NOW: is announced to stop", id="7-days"),
        pytest.param(date(2027, 1, 14), ": was announced to stop", id="the-day-itself"),
    ],
)
def test_the_nearer_a_last_day_the_more_urgently_it_is_told(today: date, told: str | None, tmp_path: Path) -> None:
    text = table_text(URL, teacher="openai:gpt-4o-2024-08-06")

    said = Registry.build(tables_of(tmp_path, text), {}, "openai", KEY, today=today).warnings

    found = [warning for warning in said if "stop on" in warning]
    assert [told is not None and told in warning for warning in found] == ([True] if told else [])


def test_local_models_need_neither_the_sdk_nor_its_seconds() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pharmacy.models.registry import Registry\n"
        "from pharmacy.models.tables import read_tables\n"
        "tables = read_tables(Path('nodes/models.toml'))\n"
        "registry = Registry.build(tables, {}, 'auto', {}, local_model=lambda name: None)\n"
        "registry.for_run(60, 12).model('classify')\n"
        "heavy = ('langchain_openai', 'openai', 'langchain_core', 'httpx2')\n"
        "print(registry.mode, [module for module in heavy if module in sys.modules])\n"
    )

    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "local []"

"""Which model serves a node: by the tables, the environment, the drafts written, and the prompt a student knows."""

import os
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError, ModelUnavailable
from pharmacy.models.registry import Registry
from pharmacy.models.serving import Serving
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


async def test_a_canary_serves_its_share_and_a_run_keeps_to_its_draw(fake: OpenAIFake, registry: RegistryOn) -> None:
    draws = iter([0.1, 0.9, 0.24, 0.25])

    async with registry(serving="canary", canary_share=0.25, student=PUPIL, draw=lambda: next(draws)) as models:
        for _ in range(4):
            run = models.for_run(10, 12)
            await run.model("classify").answer(PROMPT, Label)
            await run.model("classify").answer(PROMPT, Label)

    teacher = "gpt-4o-2024-08-06"
    assert [entry.model for entry in fake.log.chats()][::2] == [STUDENT, teacher, STUDENT, teacher]
    assert Counter(entry.model for entry in fake.log.chats()) == {STUDENT: 4, teacher: 4}


async def test_serving_changes_from_the_next_run_on(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(student=PUPIL) as models:
        before = models.for_run(10, 12)
        await before.model("classify").answer(PROMPT, Label)
        models.serve("classify", Serving("student"))
        await before.model("classify").answer(PROMPT, Label)
        await models.for_run(10, 12).model("classify").answer(PROMPT, Label)
        assert models.describe("classify") == PUPIL["model"]

    assert [entry.model for entry in fake.log.chats()] == ["gpt-4o-2024-08-06", "gpt-4o-2024-08-06", STUDENT]


def test_serving_a_student_that_is_not_there_is_refused(tmp_path: Path) -> None:
    registry = _built(tmp_path, "openai", {"OPENAI_API_KEY": "sk-1"})

    with pytest.raises(ConfigError, match="has no student"):
        registry.serve("classify", Serving("student"))

    assert registry.serving("classify") == Serving("teacher")


async def test_a_shadow_is_the_student_in_its_share_of_runs(fake: OpenAIFake, registry: RegistryOn) -> None:
    draws = iter([0.0, 0.5])

    async with registry(shadow_share=0.5, student=PUPIL, draw=lambda: next(draws)) as models:
        run = models.for_run(10, 12)
        shadow, none = run.shadow("classify"), run.shadow("classify")
        assert shadow is not None
        await shadow.answer(PROMPT, Label)

    assert none is None
    assert [entry.model for entry in fake.log.chats()] == [STUDENT]


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
    assert "openai:ft:gpt-4o-mini-2024-07-18:a::b: is announced to stop on 2027-01-14, in 25 days" in said
    assert "other:qwen3-32b: context size and last day are not known" in said
    assert "other:qwen3-32b: price is not known" in said
    assert "the judge openai:gpt-4o-2024-08-06 is of the same family as openai:ft:gpt-4o-mini" in said
    assert "[classify] temperature is not sent to openai:gpt-5" in said
    assert "gpt-5: price" not in said


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

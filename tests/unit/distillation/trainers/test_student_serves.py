"""A trained student is put into the node tables and answers for its node."""

from pathlib import Path

import pytest

from distillation.trainers.local_training import LocalTraining
from distillation.trainers.training_file import read_training_file
from graph.assemble import assemble_from
from nodes.classify import classification_schema
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from tests.fakes.openai_server import OpenAIFake
from tests.unit.distillation.trainers import classify_rows
from tests.unit.distillation.trainers.rows import order

SHIPPED = Settings().models_file.read_text(encoding="utf-8")


def _settings(folder: Path, text: str, **changes: object) -> Settings:
    file = folder / "models.toml"
    file.write_text(text, encoding="utf-8")
    return Settings(home=folder / "home", models_file=file, **changes)  # type: ignore[arg-type]


async def test_a_local_student_that_was_trained_here_serves_its_node(tmp_path: Path) -> None:
    train = read_training_file(classify_rows.written(tmp_path / "rows.jsonl", classify_rows.drawn("train", 100)))
    of = order(train.path, base="local:nothing", train=train)
    job = await LocalTraining(Settings(home=tmp_path / "home")).start(of, lambda _: None)
    settings = _settings(tmp_path, SHIPPED.replace('"local:classify"', f'"{job.model}"'), models="local")

    built = assemble_from(settings)

    assert built.registry.describe("classify") == job.model
    models = built.models_for_run()
    schema = classification_schema(built.flow)
    await models.model("classify").answer(classify_rows.prompt("荷物はいつ届きますか"), schema)
    assert [call.model_asked for call in models.calls] == [job.model]
    await built.registry.aclose()


def test_a_student_that_is_not_on_this_machine_stops_the_start(tmp_path: Path) -> None:
    text = SHIPPED.replace('"local:classify"', '"local:classify-000000000000"')

    with pytest.raises(ConfigError, match="is not there; copy it from where it was trained"):
        assemble_from(_settings(tmp_path, text, models="local"))


async def test_a_models_key_may_go_in_a_header_of_its_own(tmp_path: Path) -> None:
    with OpenAIFake(key="sk-azure") as fake:
        url = fake.url.replace("/v1", "/openai/v1")
        text = SHIPPED.replace(
            'api_key_env = "OPENAI_API_KEY"', 'api_key_env = "OPENAI_API_KEY"\nkey_header = "api-key"'
        )
        settings = _settings(tmp_path, text, models="openai", openai_api_key="sk-azure", openai_base_url=url)
        built = assemble_from(settings)

        schema = classification_schema(built.flow)
        models = built.models_for_run()
        await models.model("classify").answer(classify_rows.prompt("荷物はいつ届きますか"), schema)
        await built.registry.aclose()

    assert [entry.status for entry in fake.log.chats()] == [200]

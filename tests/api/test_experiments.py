"""An evaluation becomes experiments in LangSmith, on its dataset's rows, and no name leaves with it."""

from __future__ import annotations

import asyncio
import json

from typer.testing import CliRunner

from cli.main import app
from distillation.datasets.building import Wanted, build
from tests.api.played import AGREES, ASKED, approved
from tests.api.shop import Shop
from tests.fakes.langsmith_server import LangSmithFake
from tests.fakes.langsmith_server.fake import KEY

MODELS = "recorded:answer,local:classify"
CANARY = "鴉野 小夜子"


async def test_an_evaluation_is_an_experiment_for_each_model_and_names_nobody(own_shop: Shop) -> None:
    named = AGREES | {"name": CANARY}
    for words in ASKED:
        await approved(own_shop, f"{CANARY}です。{words}", patient=named)
    settings = own_shop.program.settings
    await build(own_shop.program.database, settings, Wanted("classify"))
    assert settings.database_url is not None
    with LangSmithFake() as langsmith:
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home),
            "KAKARI_MODELS": "local", "LANGSMITH_API_KEY": KEY, "LANGSMITH_ENDPOINT": langsmith.url,
        }  # fmt: skip

        def kakari(*words: str) -> tuple[int, str, str]:
            done = CliRunner(env=environment).invoke(app, list(words))
            return done.exit_code, done.stdout, done.stderr

        early = await asyncio.to_thread(kakari, "evaluate", "classify", "--models", MODELS, "--experiment")
        await asyncio.to_thread(kakari, "dataset", "push", "classify")
        done = await asyncio.to_thread(kakari, "evaluate", "classify", "--models", MODELS, "--experiment", "--json")
        again = await asyncio.to_thread(kakari, "evaluate", "classify", "--models", MODELS, "--experiment")

        assert early[0] == 1
        assert "push it first" in early[2]
        assert (done[0], again[0]) == (0, 0), done[2] + again[2]
        platform = langsmith.platform
        figures = json.loads(done[1])
        assert len(platform.experiments) == 2
        runs = [run for run in platform.runs.values() if run.get("reference_example_id")]
        assert len(runs) == 2 * figures["cases"]
        told = {one["score"] for one in platform.feedback.taken.values()}
        assert told <= {0, 1}
        assert len(platform.feedback.taken) == len(runs)
        everything = langsmith.everything()
    assert "小夜子" not in everything
    assert "鴉野" not in everything

"""A dataset's version is pushed to LangSmith and pulled back from there, with a key; without one that is said."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from distillation.datasets.building import Wanted, build
from pharmacy.settings import Settings
from pharmacy.storage import erasure
from tests.api.answers import GOOD
from tests.api.played import AGREES, ASKED, edited
from tests.api.shop import Shop
from tests.fakes.langsmith_server import LangSmithFake
from tests.fakes.langsmith_server.fake import KEY

CHECKOUT = Path(__file__).resolve().parents[2]


def _kakari(
    settings: Settings, langsmith: LangSmithFake | None, *command: str, status: int = 0
) -> subprocess.CompletedProcess[str]:
    assert settings.database_url
    told = {"DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home)}
    told |= {"LANGSMITH_API_KEY": KEY, "LANGSMITH_ENDPOINT": langsmith.url} if langsmith else {}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH_", "KAKARI_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "dataset", *command], cwd=CHECKOUT, env=kept | told, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == status, ran.stderr
    return ran


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


async def test_a_version_is_pushed_pulled_back_and_loses_in_langsmith_who_is_erased(
    own_shop: Shop, tmp_path: Path
) -> None:
    named = AGREES | {"name": "鴉野 小夜子"}
    first = await edited(own_shop, ASKED[0], {"text": f"小夜子さま、{GOOD}"}, patient=named)
    await edited(own_shop, ASKED[1], {"text": GOOD.replace("いつでも", "平日に")})
    settings, file = own_shop.program.settings, tmp_path / "pulled.jsonl"
    version = (await build(own_shop.program.database, settings, Wanted("generate_symptom_consultation"))).version
    with LangSmithFake() as langsmith:
        pushed = json.loads(_kakari(settings, langsmith, "push", version.node, "--json").stdout)
        again = json.loads(_kakari(settings, langsmith, "push", version.version, "--json").stdout)
        pulled = json.loads(_kakari(settings, langsmith, "pull", version.version, str(file), "--json").stdout)
        rows = _rows(file)
        everything = langsmith.everything()
        await erasure.erase(own_shop.program.database, settings.pharmacy_id, first.patient_id, "test")
        left = json.loads(_kakari(settings, langsmith, "push", version.version, "--json").stdout)
        _kakari(settings, langsmith, "pull", version.version, str(file))

        assert (pushed["dataset"], pushed["rows"]) == (f"kakari/{settings.pharmacy_id}/{version.node}", 2)
        assert (pushed["added"], again["added"], again["removed"]) == (2, 0, 0)
        assert pulled["content"] == pushed["content"]
        assert {row["split"] for row in rows} <= {"train", "validation", "held_out"}
        assert {row["words"] for row in rows} == {"pseudonyms"}
        assert [word for word in ("鴉野", "小夜子") if word in everything] == []
        assert (left["removed"], len(_rows(file))) == (1, 1)
        assert langsmith.problems == []
    told = await own_shop.rows("SELECT body FROM audit WHERE action = 'dataset_exported' ORDER BY seq")
    assert [row.body["to"] for row in told] == ["langsmith"] * 3


def test_without_a_key_both_commands_say_so_and_end_with_2(own_settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "pulled.jsonl"

    said = [_kakari(own_settings, None, "push", "classify", status=2).stderr,
            _kakari(own_settings, None, "pull", "classify", str(file), status=2).stderr]  # fmt: skip

    assert all("LANGSMITH_API_KEY is not set" in each for each in said)
    assert not file.exists()

"""docs/circle.sh, small: the very script that the whole circle is, on 150 conversations under a plan of its own."""

import asyncio
import json
import os
import socket
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_student_is_trained_let_on_step_by_step_stepped_back_from_and_rolled_back() -> None:
    with tempfile.TemporaryDirectory(prefix="kakari-circle-") as folder:
        run = Path(folder) / "run"
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        environment = kept | {
            "CIRCLE": str(run), "CIRCLE_NODES": "classify",
            "CIRCLE_TALKS": "150", "CIRCLE_HELD_OUT": "0.55", "CIRCLE_EVEN": "1",
            "CIRCLE_FEW": "30", "CIRCLE_MANY": "60", "CIRCLE_ROUND": "20", "CIRCLE_PORT": str(_free_port()),
            "KAKARI_PLANS": str(ROOT / "tests" / "circle" / "plans"),
        }  # fmt: skip
        script = await asyncio.create_subprocess_exec(
            "bash", "docs/circle.sh", cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await script.communicate()

        assert script.returncode == 0, told.decode()[-3000:]
        said = {path.stem: path.read_text(encoding="utf-8") for path in (run / "figures").glob("*.json")}
        steps = {name: json.loads(said[f"classify.{name}"])["step"] for name in ("gate", "canary_1", "full", "again")}
        assert steps == {"gate": "shadow", "canary_1": "canary", "full": "full", "again": "shadow"}
        assert json.loads(said["checked"])["faults"] == []
        assert json.loads((run / "circle.json").read_text(encoding="utf-8"))["nodes"]["classify"]["cases"] >= 100

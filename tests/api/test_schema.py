"""The running program keeps to its own OpenAPI document, whatever it is asked: found by schemathesis, seeded."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.api.shop import Shop, new_id

EXAMPLES = int(os.environ.get("KAKARI_TEST_SCHEMA_EXAMPLES", "6"))
"""How many cases each phase tries per call; more finds more, and takes longer."""

LONGEST_SECONDS = int(os.environ.get("KAKARI_TEST_SCHEMA_SECONDS", "30"))
SEED = os.environ.get("KAKARI_TEST_SCHEMA_SEED", "1")
CONFIGURATION = """
# Calls that wait for something would wait for each generated second, and the event stream would go on for as many.
[parameters]
"query.wait" = 0
"query.seconds" = 0
"""


async def test_every_answer_is_as_the_documentation_says(
    own_shop: Shop, tmp_path: Path, figure: Callable[..., None]
) -> None:
    for words in ("体調の相談です", "人手語です", "緊急語です"):
        await own_shop.say(new_id(), words)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration), "run",
        f"{own_shop.url}/openapi.json", "--header", f"Authorization: {own_shop.http.headers['Authorization']}",
        "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(EXAMPLES), "--seed", SEED,
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
        "response_schema_conformance,negative_data_rejection,ignored_auth",
        "--suppress-health-check", "all", "--workers", "1", "--request-timeout", "30", "--generation-deterministic",
        "--max-failures", "20", "--max-time", str(LONGEST_SECONDS),
    ]  # fmt: skip

    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path, check=False)

    if ran.returncode:
        print(ran.stdout[-8000:] + ran.stderr[-2000:])
    figure("P20", f"schemathesis, four phases, {LONGEST_SECONDS} s", asked="10 minutes without a finding",
           measured="no finding" if ran.returncode == 0 else "findings", holds=ran.returncode == 0)  # fmt: skip

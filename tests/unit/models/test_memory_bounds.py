"""An answer of any size costs a bounded piece of memory."""

import gc
import zlib
from pathlib import Path

import pytest

from pharmacy.domain.errors import ReplyUnreadable
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.faults import Fault
from tests.fakes.openai_server.http import Connection, Reply
from tests.unit.models.setting import PROMPT, Label, RegistryOn

MB = 1024 * 1024
PEAK = Path("/proc/self/clear_refs")


def _peak_set_back() -> int:
    gc.collect()
    PEAK.write_text("5")  # sets the peak back to what is in use now
    return _peak_bytes()


def _peak_bytes() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not PEAK.exists(), reason="the peak can be reset on Linux only")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.gzip_bomb(1024), id="1-GB-in-a-small-gzip"),
        pytest.param(faults.long_body(512), id="512-MB-plain"),
        pytest.param(faults.raw_body(b'{"choices":[' + b"{}," * 30_000 + b"{}]}"), id="30000-choices"),
        pytest.param(
            faults.raw_body(b'{"choices":[{"message":{"content":[' + b"[]," * 30_000 + b"[]]}}]}"), id="lists"
        ),
    ],
)
async def test_a_body_without_end_is_refused_within_64_mb(fake: OpenAIFake, registry: RegistryOn, fault: Fault) -> None:
    async with registry(timeout_seconds=20) as models:
        run = models.for_run(30, 12)
        await run.model("classify").answer(PROMPT, Label)
        fake.script.fail(fault)
        before = _peak_set_back()

        with pytest.raises(ReplyUnreadable, match="the body is"):
            await run.model("classify").answer(PROMPT, Label)

        assert _peak_bytes() - before <= 64 * MB
    assert run.calls[-1].tokens_estimated


async def test_a_gzip_answer_of_usual_size_is_read(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(_gzipped("gzip"))

    async with registry() as models:
        answer = await models.for_run(10, 12).model("classify").answer(PROMPT, Label)

    assert answer.category == "order_delivery"


async def test_an_answer_packed_in_an_unasked_way_is_refused(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(_gzipped("br"))

    async with registry() as models:
        with pytest.raises(ReplyUnreadable):
            await models.for_run(10, 12).model("classify").answer(PROMPT, Label)


def _gzipped(encoding: str) -> Fault:
    async def play(connection: Connection, reply: Reply) -> None:
        packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        body = packer.compress(reply.body) + packer.flush()
        await connection.send_reply(
            Reply(200, body, {**reply.headers, "content-encoding": encoding}, reply.content_type)
        )

    return Fault(encoding, play=play)

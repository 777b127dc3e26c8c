"""No word of a patient reaches a tracing service by the library's own doing."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.fakes.openai_server import OpenAIFake

CHECKOUT = Path(__file__).resolve().parents[3]


class _Recorder(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012  # one list for the whole server

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.send_response(202)
        self.end_headers()

    do_GET = do_POST  # noqa: N815  # the base class looks the name up

    def log_message(self, *_: object) -> None:
        pass


def test_a_run_sends_nothing_to_langsmith_even_when_the_environment_turns_tracing_on(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Recorder) as langsmith, OpenAIFake() as provider:
        threading.Thread(target=langsmith.serve_forever, daemon=True).start()
        tracing = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_API_KEY": "lsv2_x",
            "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{langsmith.server_port}",
        }
        models = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "cli", "suggest", "次回の発送日はいつですか?", "--json"]

        ran = subprocess.run(
            command, cwd=CHECKOUT, env=os.environ | tracing | models, capture_output=True, text=True, check=False
        )

        langsmith.shutdown()
        asked_models = len(provider.log.chats())
    assert ran.returncode == 0, ran.stderr
    assert asked_models > 0
    assert _Recorder.asked == []

"""Run the stand-in by hand: `python -m tests.fakes.openai_server --port 8901 [--latency S] [--rule FILE]`."""

import argparse
import contextlib
import runpy
import sys
import threading

from tests.fakes.openai_server.fake import OpenAIFake


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for OpenAI on loopback.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="seconds before each completion")
    parser.add_argument("--rule", metavar="FILE", help="a Python file that defines rule(asked) -> answer")
    parser.add_argument("--model", action="append", default=[], help="serve this model too, such as an ft: name")
    given = parser.parse_args()
    fake = OpenAIFake(port=given.port, latency_seconds=given.latency, models=tuple(given.model))
    if given.rule:
        fake.script.rule = runpy.run_path(given.rule)["rule"]
    with fake:
        sys.stdout.write(f"OPENAI_BASE_URL={fake.url} OPENAI_API_KEY=any\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


main()

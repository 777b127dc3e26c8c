"""How an adapter is served: vLLM's OpenAI-compatible endpoint, and the tables that name it."""

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Served:
    """What has to be known of an adapter to serve it."""

    node: str
    name: str
    base: str
    folder: Path
    rank: int
    prompt_fingerprint: str


def vllm_command(served: Served) -> str:
    """Return the command that serves base and adapter on port 8000."""
    words = [
        "vllm", "serve", served.base, "--enable-lora", "--max-lora-rank", str(_allowed(served.rank)),
        "--lora-modules", f"{served.name}={served.folder.resolve()}", "--api-key",
    ]  # fmt: skip
    return f'{shlex.join(words)} "$VLLM_API_KEY"'


def endpoint_table(url: str) -> str:
    """Return the table of nodes/models.toml that names the endpoint; it stands there once."""
    return f'[endpoints.vllm]\nbase_url = "{url}"\napi_key_env = "VLLM_API_KEY"\n'


def student_table(served: Served) -> str:
    """Return the table of nodes/models.toml that names the student, to stand below the keys of its node."""
    return (
        f'[{served.node}.student]\nmodel = "vllm:{served.name}"\nprompt_fingerprint = "{served.prompt_fingerprint}"\n'
    )


def _allowed(rank: int) -> int:
    """Return the least of the ranks that vLLM can be started with that is enough."""
    return next((allowed for allowed in (8, 16, 32, 64, 128, 256, 320, 512) if allowed >= rank), rank)

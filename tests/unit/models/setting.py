"""What the tests of the models room share: a small table file, a prompt, an answer's schema, a registry on the fake."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.model import Prompt
from pharmacy.models.registry import Registry
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.tables import ModelTables, read_tables

FINGERPRINT = "3f9c1a77b0de"
STUDENT = "ft:gpt-4o-mini-2024-07-18:example::classify01"
QUICK = RetryPolicy(first_wait_seconds=0.01)
PROMPT = Prompt(
    file="classify/system",
    system="あなたは漢方薬局の受付です。",
    user='{"from": "patient", "text": "いつ届きますか"}',
    blanks={"categories": "- a\n- b"},
    fingerprint=FINGERPRINT,
)


class Label(BaseModel):
    """A classifier's answer as the tests ask for it."""

    model_config = ConfigDict(extra="forbid")

    category: Literal["order_delivery", "pharmacist_only"]
    mark: int = Field(ge=1, le=5)
    reason: str = Field(max_length=1000, description="理由")


ANSWER = Label(category="order_delivery", mark=4, reason="配送の質問です。")
GOOD = ANSWER.model_dump()


def table_text(url: str, more: object = "", **changes: object) -> str:
    """Return a table file with one node, `classify`, whose keys `changes` replaces; `more` follows it."""
    node: dict[str, object] = {
        "prompt": "classify/system", "frame": "classify/user", "serving": "teacher",
        "teacher": "openai:gpt-4o-2024-08-06", "local": "local:classify", "timeout_seconds": 5,
        "max_output_tokens": 300,
        **changes,
    }  # fmt: skip
    lines = [f"{key} = {_toml(value)}" for key, value in node.items() if value is not None]
    return "\n".join([
        "[endpoints.openai]", f'base_url = "{url}"', 'base_url_env = "OPENAI_BASE_URL"',
        'api_key_env = "OPENAI_API_KEY"', "[limits]", "suggest_seconds = 120", "auto_seconds = 60", "calls = 12",
        "[classify]", *lines, str(more), "",
    ])  # fmt: skip


def tables_of(folder: Path, text: str) -> ModelTables:
    """Return the tables that `text` makes."""
    file = folder / "models.toml"
    file.write_text(text, encoding="utf-8")
    return read_tables(file)


@asynccontextmanager
async def registry_on(folder: Path, url: str, **given: Any) -> AsyncIterator[Registry]:
    """Give a registry whose one endpoint is at `url`; `given` holds its options, or else changes of the node table."""
    options: dict[str, Any] = {"retry": QUICK}
    options |= {key: given.pop(key) for key in ("clock", "draw", "retry", "today", "local_model") if key in given}
    text = table_text(url, **given)
    registry = Registry.build(tables_of(folder, text), {"classify": FINGERPRINT}, "openai", KEY, **options)
    try:
        yield registry
    finally:
        await registry.aclose()


KEY: Mapping[str, str] = {"OPENAI_API_KEY": "sk-test"}
RegistryOn = Callable[..., Any]


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + " }"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()

"""Read nodes/models.toml: which model and prompt may serve each node, where models live, what a message may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.pace import ModelLimit
from pharmacy.domain.toml_file import TomlFile
from pharmacy.models.base_url import checked_base_url
from pharmacy.models.model_name import LOCAL, ModelRef

NOT_NODES = ("endpoints", "limits", "model_limits", "prices")


def _is_ref(text: str) -> str:
    ModelRef.read(text)
    return text


def _is_local_ref(text: str) -> str:
    if not ModelRef.read(text).is_local:
        raise ValueError(f"expected '{LOCAL}:name'")
    return text


def _is_limitable_ref(text: str) -> str:
    if ModelRef.read(text).is_local:
        raise ValueError("a local model has no provider who limits it; expected another endpoint's model")
    return text


def _is_remote_ref(text: str) -> str:
    if ModelRef.read(text).is_local:
        raise ValueError("a provider's failure never falls to a local model; expected another endpoint's model")
    return text


Ref = Annotated[str, AfterValidator(_is_ref)]
RemoteRef = Annotated[str, AfterValidator(_is_limitable_ref)]
PromptFile = Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)+$")]
Share = Annotated[float, Field(ge=0, le=1)]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Serving = Literal["teacher", "student", "canary"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Endpoint(_Table):
    """Where models are called: anything that speaks OpenAI's chat completions."""

    base_url: Annotated[str, AfterValidator(checked_base_url)]
    base_url_env: Variable | None = None
    """The variable that overrides `base_url`."""

    api_key_env: Variable | None = None
    """The variable that holds the key; None for an endpoint that wants none."""

    key_header: Literal["authorization", "api-key"] = "authorization"
    """The header that the key goes in: `api-key` at Azure."""


class Limits(_Table):
    """What one message may cost, over all its calls."""

    suggest_seconds: float = Field(gt=0, le=120)
    auto_seconds: float = Field(gt=0, le=60)
    calls: int = Field(ge=1, le=12)


class PerMinute(_Table):
    """What a model may be asked for in a minute, by all processes that share a database."""

    requests_per_minute: int | None = Field(default=None, ge=1, le=10_000_000)
    tokens_per_minute: int | None = Field(default=None, ge=1, le=10_000_000_000)
    """Tokens read and written together."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.requests_per_minute is None and self.tokens_per_minute is None:
            raise ValueError("limits nothing; expected requests_per_minute, tokens_per_minute or both")
        return self


class Price(_Table):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    cached: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write: float | None = Field(default=None, ge=0)
    """For tokens newly put into the cache; None where they cost what input costs."""

    training: float | None = Field(default=None, ge=0)
    """For tokens that a model is trained on, each as often as it is seen; None where it is not known."""

    batch_share: float | None = Field(default=None, gt=0, le=1)
    """The share of these prices that an answer in a batch costs, 0 to 1; None where it is not known."""


class Student(_Table):
    """A small model that was trained for this node under one prompt."""

    model: Ref
    prompt_fingerprint: str = Field(pattern=r"^[0-9a-f]{12}$")
    drafts: int = Field(default=1, ge=1, le=5)
    """How many drafts of one message it may write, before the teacher writes the others."""


class NodeTable(_Table):
    """Which model and prompt may serve one node."""

    prompt: PromptFile
    frame: PromptFile
    serving: Serving
    canary_share: Share = 0.0
    """Under `canary`: the share of runs that the student serves, 0 to 1."""

    shadow_share: Share = 0.0
    """The share of runs in which the student answers too, unused, 0 to 1."""

    teacher: Ref
    local: Annotated[str, AfterValidator(_is_local_ref)]
    student: Student | None = None
    fallback: Annotated[str, AfterValidator(_is_remote_ref)] | None = None
    """Asked when the serving model cannot be had."""

    cheaper: Annotated[str, AfterValidator(_is_remote_ref)] | None = None
    """Asked in place of dearer models once a budget is nearly used up."""

    timeout_seconds: float = Field(gt=0, le=120)
    """Of one call, from the first byte sent to the last one read."""

    max_output_tokens: int = Field(ge=1, le=128_000)
    store: bool = False
    """Whether the provider is asked to keep the teacher's answers in runs, by its `store`."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None

    @model_validator(mode="after")
    def _student_where_one_is_used(self) -> Self:
        used = self.serving != "teacher" or self.shadow_share > 0
        if used and self.student is None:
            raise ValueError(f"serving {self.serving!r}, shadow_share {self.shadow_share}: expected a student table")
        if self.serving == "canary" and self.canary_share == 0:
            raise ValueError("serving 'canary' with canary_share 0: expected a share above 0")
        return self

    @property
    def refs(self) -> tuple[str, ...]:
        """Every provider's model that this table names, the local one left out."""
        named = (self.teacher, self.student.model if self.student else None, self.fallback, self.cheaper)
        return tuple(dict.fromkeys(ref for ref in named if ref is not None))


@dataclass(frozen=True)
class ModelTables:
    """Everything that the file says."""

    path: Path
    nodes: Mapping[str, NodeTable]
    endpoints: Mapping[str, Endpoint]
    limits: Limits
    prices: Mapping[str, Price]
    """`provider:name` to the price that overrides the shipped one."""

    model_limits: Mapping[str, ModelLimit] = field(default_factory=dict)
    """`provider:name` to what may be asked of it in a minute; a name without date stands for its snapshots too."""


def read_tables(path: Path) -> ModelTables:
    """Return what the file at `path` says.

    Raises:
        ConfigError: naming file, line, table, value and what was expected.
    """
    file = TomlFile.read(path)
    endpoints = file.table(("endpoints",), dict[Name, Endpoint]) if "endpoints" in file.tables else {}
    prices = file.table(("prices",), dict[Ref, Price]) if "prices" in file.tables else {}
    paced = file.table(("model_limits",), dict[RemoteRef, PerMinute]) if "model_limits" in file.tables else {}
    model_limits = {ref: ModelLimit(ref, of.requests_per_minute, of.tokens_per_minute) for ref, of in paced.items()}
    limits = file.table(("limits",), Limits)
    names = [name for name in file.tables if name not in NOT_NODES]
    nodes = {name: file.table((name,), NodeTable) for name in names}
    tables = ModelTables(path, nodes, endpoints, limits, prices, model_limits)
    _check(file, tables)
    return tables


def _check(file: TomlFile, tables: ModelTables) -> None:
    if not tables.nodes:
        raise ConfigError(f"{file.path}: names no node; expected a table per node")
    if LOCAL in tables.endpoints:
        raise file.wrong(("endpoints", LOCAL), f"{LOCAL!r} names the models that run in the process")
    known = sorted([*tables.endpoints, LOCAL])
    for node, table in tables.nodes.items():
        asked = {key: getattr(table, key) for key in ("teacher", "fallback", "cheaper")} | {"student": _student(table)}
        for key, ref in asked.items():
            if ref and ModelRef.read(ref).provider not in known:
                raise file.wrong((node, key), f"{ref!r}: provider is none of {known}")

    for ref in tables.model_limits:
        if ModelRef.read(ref).provider not in known:
            raise file.wrong(("model_limits", ref), f"provider is none of {known}")


def _student(table: NodeTable) -> str | None:
    return table.student.model if table.student else None

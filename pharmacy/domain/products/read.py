"""Read products from files: the shipped formulas, or a pharmacy's own list."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.facts import Product, Source

_FOLDER = Path(__file__).parent
_FACTS = ("crude_drugs", "use", "dose", "timing", "cautions", "interactions", "price")

Words = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
# A formula heads its facts in a prompt, as [formula.field].
FormulaName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\[\]<>]*$")]
Several = Annotated[
    list[Words],
    BeforeValidator(lambda v: [v] if isinstance(v, str) else v, json_schema_input_type=list[Words] | Words),
    Field(max_length=100),
]
SourceDate = Annotated[
    str,
    Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", description="ISO date; a month or a year where no day is stated"),
]


class SourceBody(BaseModel):
    """Where one fact is published."""

    model_config = ConfigDict(extra="forbid")

    source: Words
    date: SourceDate


class ProductBody(BaseModel):
    """One formula. Every fact given needs its source: its own under `sources`, or `source` and `date` for all."""

    model_config = ConfigDict(extra="forbid")

    formula: FormulaName
    reading: Words | None = None
    aliases: Several = []
    crude_drugs: Several = []
    use: Words | None = None
    dose: Words | None = None
    timing: Words | None = None
    cautions: Several = []
    interactions: Several = []
    price: Annotated[int, Field(ge=0, le=10_000_000, strict=True)] | None = None
    source: Words | None = None
    date: SourceDate | None = None
    sources: dict[str, SourceBody] = {}

    @model_validator(mode="after")
    def _every_fact_has_its_source(self) -> "ProductBody":
        if strange := set(self.sources) - set(_FACTS):
            raise ValueError(f"sources: {sorted(strange)[0]!r} is no fact; expected some of {list(_FACTS)}")
        # The price is the pharmacy's own word; every other fact is somebody's publication.
        without = [n for n in _FACTS if getattr(self, n) and n != "price" and n not in self.sources]
        if without and not (self.source and self.date):
            raise ValueError(f"{without[0]}: has no source; expected sources.{without[0]}, or source and date for all")
        return self


def product_from(product_id: str, body: Mapping[str, Any]) -> Product:
    """Return the product that a checked body describes."""
    read = ProductBody.model_validate(body)
    shared = Source(read.source, read.date) if read.source and read.date else None
    own = {name: Source(s.source, s.date) for name, s in read.sources.items()}
    given = (name for name in _FACTS if getattr(read, name) not in (None, []))
    sources = {name: own.get(name) or shared for name in given}
    return Product(
        id=product_id, formula=read.formula, reading=read.reading, aliases=tuple(read.aliases),
        crude_drugs=tuple(read.crude_drugs), use=read.use, dose=read.dose, timing=read.timing,
        cautions=tuple(read.cautions), interactions=tuple(read.interactions), price=read.price,
        sources={name: source for name, source in sources.items() if source},
    )  # fmt: skip


@cache
def shipped() -> Mapping[str, Mapping[str, Any]]:
    """Return the shipped formulas, id to body, in the order of their ids."""
    return dict(pair for file in sorted(_FOLDER.glob("*.toml")) for pair in bodies_in(file))


def bodies_in(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (id, checked body) of each product in a .toml (one), .json (one or a list) or .jsonl file (one a line).

    Raises:
        ConfigError: names the file, the place in it, the value, and what was expected.
    """
    seen: set[str] = set()
    for place, raw in _raw(file):
        where = f"{file.name}{place}"
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str) or not raw["id"].strip():
            raise ConfigError(f"{where}: {str(raw)[:80]!r}: expected an object with an 'id'")
        product_id, body = raw["id"], {key: value for key, value in raw.items() if key != "id"}
        if product_id in seen:
            raise ConfigError(f"{where}: id {product_id!r} stands twice; expected each once")
        seen.add(product_id)
        try:
            yield product_id, ProductBody.model_validate(body).model_dump(exclude_defaults=True)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "product"
            raise ConfigError(
                f"{where}: {product_id}.{field} = {str(first['input'])[:80]!r}: {first['msg']}"
            ) from error


def _raw(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        yield from _parsed(file, file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: {error}; expected products as .toml, .json or .jsonl") from error


def _parsed(file: Path, text: str) -> Iterator[tuple[str, Any]]:
    """Yield each product with its place in the file, as a complaint names it."""
    if file.suffix == ".toml":
        yield "", tomllib.loads(text)
    elif file.suffix == ".jsonl":
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f":{number}", _json_line(file, number, line)
    elif file.suffix == ".json":
        read = json.loads(text)
        one_or_many = enumerate(read) if isinstance(read, list) else [(None, read)]
        yield from (("" if place is None else f"[{place}]", each) for place, each in one_or_many)
    else:
        raise ConfigError(f"{file}: expected a .toml, .json or .jsonl file of products")


def _json_line(file: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{file.name}:{number}: {error.msg} at column {error.colno}; expected a product") from error

"""The models the stand-in serves: dated names, context sizes, shutdown dates."""

from dataclasses import dataclass, field
from datetime import date

from tests.fakes.openai_server.errors import model_retired, no_model


@dataclass(frozen=True)
class KnownModel:
    """One model under its served name."""

    id: str
    context: int
    max_output: int
    shutdown: date | None = None
    samples: bool = True
    """False when `temperature` other than 1 is refused, unless the reasoning effort is none."""

    old_max_tokens: bool = True
    """False when `max_tokens` is refused in favour of `max_completion_tokens`."""


_4O_END = date(2027, 1, 14)
_5_END = date(2026, 12, 11)

SHIPPED = (
    KnownModel("gpt-4o-2024-08-06", 128_000, 16_384, _4O_END),
    KnownModel("gpt-4o-2024-11-20", 128_000, 16_384, _4O_END),
    KnownModel("gpt-4o-2024-05-13", 128_000, 4_096, date(2026, 10, 23)),
    KnownModel("gpt-4o-mini-2024-07-18", 128_000, 16_384, _4O_END),
    KnownModel("gpt-4.1-2025-04-14", 1_047_576, 32_768, _4O_END),
    KnownModel("gpt-4.1-mini-2025-04-14", 1_047_576, 32_768, _4O_END),
    KnownModel("gpt-5-2025-08-07", 400_000, 128_000, _5_END, samples=False, old_max_tokens=False),
    KnownModel("gpt-5-mini-2025-08-07", 400_000, 128_000, _5_END, samples=False, old_max_tokens=False),
    KnownModel("gpt-6-luna", 1_050_000, 128_000, None, samples=False, old_max_tokens=False),
    KnownModel("gpt-6-sol", 1_050_000, 128_000, None, samples=False, old_max_tokens=False),
)
ALIASES = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
}


@dataclass
class KnownModels:
    """The models of one stand-in; fine-tuned ones are added by name."""

    today: date
    known: dict[str, KnownModel] = field(default_factory=lambda: {model.id: model for model in SHIPPED})

    def add(self, name: str) -> None:
        """Serve `name` too; an `ft:` name takes its base model's figures."""
        base = self.known.get(ALIASES.get(_base(name), _base(name)))
        shown = base or KnownModel(name, 128_000, 16_384)
        self.known[name] = KnownModel(
            name, shown.context, shown.max_output, shown.shutdown, shown.samples, shown.old_max_tokens
        )

    def find(self, name: str) -> KnownModel:
        """Return the model that serves `name`.

        Raises:
            ApiError: there is none, or it has been shut down.
        """
        model = self.known.get(ALIASES.get(name, name))
        if model is None:
            raise no_model(name)
        if model.shutdown and model.shutdown <= self.today:
            raise model_retired(name)
        return model

    def listed(self) -> list[dict[str, object]]:
        """Return the models as `GET /v1/models` lists them."""
        return [_row(name, self.known[ALIASES.get(name, name)]) for name in [*self.known, *ALIASES]]

    def row(self, name: str) -> dict[str, object]:
        """Return one model as `GET /v1/models/{name}` shows it."""
        return _row(name, self.find(name))


def _base(name: str) -> str:
    return name.split(":")[1] if name.startswith("ft:") else name


def _row(name: str, model: KnownModel) -> dict[str, object]:
    owner = "system" if not name.startswith("ft:") else "org-example"
    shutdown = model.shutdown.isoformat() if model.shutdown else None
    return {"id": name, "object": "model", "created": 1715367049, "owned_by": owner, "shutdown_date": shutdown}

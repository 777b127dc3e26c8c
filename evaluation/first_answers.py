"""A run's models with the first answers of some nodes given by others; what is asked again is asked of what serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pharmacy.domain.model import ChatModel, Early, ModelCall


class Inner(Protocol):
    """The models of one run."""

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:
        """Return the model that serves `node`."""
        ...

    def named(self, node: str, ref: str) -> ChatModel:
        """Return the model `ref` as `node` asks it."""
        ...

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call so far."""
        ...

    @property
    def fallback_used(self) -> bool:
        """True when a call was answered by a node's fallback."""
        ...


@dataclass(frozen=True)
class FirstAnswers:
    """The models of a run in which others answer first."""

    inner: Inner
    models: Mapping[str, str]
    """Node to `provider:name`."""

    def instead(self, node: str, drafts_written: int) -> str | None:
        """Return the model that answers in the place of what serves; None where that answers itself."""
        return self.models.get(node) if drafts_written == 0 else None

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:  # noqa: ARG002
        """Return the model that answers `node`; never one that was asked ahead, since another may answer."""
        other = self.instead(node, drafts_written)
        return self.inner.named(node, other) if other else self.inner.model(node, drafts_written)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call so far."""
        return self.inner.calls

    @property
    def fallback_used(self) -> bool:
        """True when a call was answered by a node's fallback."""
        return self.inner.fallback_used

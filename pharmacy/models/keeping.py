"""Have the provider keep a teacher's answers too (`store`), under labels that name no patient."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from pharmacy.models.model_name import ModelRef
from pharmacy.models.tables import NodeTable

NODE, PROMPT, RUN = "kakari_node", "kakari_prompt", "kakari_run"
"""The labels: the node, its prompt's fingerprint, and the run by a random id that only our own records resolve."""

kept_run: ContextVar[UUID | None] = ContextVar("kept_run", default=None)
"""The run in work whose calls may be kept; none for trials, shadows and evaluations, which are nobody's answers."""


def keeps(node: str, ref: ModelRef, table: NodeTable) -> str | None:
    """Return the node under which answers of `ref` are kept; None where they are not: a student's never are."""
    return node if table.store and str(ref) == table.teacher and not ref.is_local else None


def labels(node: str | None, fingerprint: str) -> Mapping[str, Any]:
    """Return what a call's body says about being kept; nothing where it is not to be."""
    run = kept_run.get()
    if node is None or run is None:
        return {}
    return {"store": True, "metadata": {NODE: node, PROMPT: fingerprint, RUN: str(run)}}

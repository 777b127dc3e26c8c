"""Which model serves a node: what the file says at first, and what may not be served at all."""

from collections.abc import Mapping

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.serving import Serving
from pharmacy.models.tables import NodeTable


def first_serving(table: NodeTable) -> Serving:
    """Return what the file says."""
    return Serving(table.serving, table.canary_share, table.shadow_share)


def check_serving(node: str, table: NodeTable, serving: Serving, fingerprints: Mapping[str, str]) -> None:
    """Refuse to serve a student that is not there, or under another prompt than it was trained on.

    Raises:
        ConfigError: naming the node and both fingerprints.
    """
    if not (0 <= serving.canary_share <= 1 and 0 <= serving.shadow_share <= 1):
        raise ConfigError(f"[{node}] canary and shadow shares are {serving!r}; expected 0 to 1")
    if not serving.needs_student:
        return
    if table.student is None:
        raise ConfigError(f"[{node}] serving {serving.by!r}: has no student; expected a student table")
    if serving.student not in (None, table.student.model):
        raise ConfigError(
            f"[{node}] serving {serving.by!r} was decided of student {serving.student!r}; the file names "
            f"{table.student.model!r}; expected the same: promote that one, or roll back"
        )
    trained, now = table.student.prompt_fingerprint, fingerprints.get(node)
    if trained != now:
        raise ConfigError(
            f"[{node}] student {table.student.model!r} was trained under prompt {trained!r}, the prompt is now "
            f"{now!r}; expected the same: restore the prompt, train anew, or serve the teacher"
        )

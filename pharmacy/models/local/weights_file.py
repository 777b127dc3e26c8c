"""A trained student's file: plain arrays and a card of JSON, nothing pickled; the same student gives the same bytes."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

_CARD = "card"


def read(path: Path) -> tuple[bytes, Mapping[str, NDArray[Any]], str]:
    """Return the card as JSON, every array by its name, and 12 hex digits over the whole file."""
    raw = path.read_bytes()
    with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files if name != _CARD}
        card = stored[_CARD].tobytes()
    return card, arrays, hashlib.sha256(raw).hexdigest()[:12]


def write(path: Path, card: BaseModel, **arrays: NDArray[Any]) -> None:
    """Write what `read` returns."""
    words = json.dumps(card.model_dump(mode="json"), ensure_ascii=False, sort_keys=True).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, card=np.frombuffer(words, dtype=np.uint8), **arrays)

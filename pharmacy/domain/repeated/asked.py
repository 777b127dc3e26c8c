"""What a generator is asked, as far as an answer from memory must agree with it."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Scope:
    """All but the question itself; a change of prompt, model, policy or product is another scope."""

    node: str
    model: str
    """Who would write the reply, as `provider:name`."""

    prompt_fingerprint: str
    category: str
    phase: str
    facts: str
    """The fact sheet as the generator reads it, with the products' facts as the catalogue now has them."""

    policy_version: int

    @property
    def digest(self) -> str:
        """64 hex digits over all of it."""
        return _digest(asdict(self))


@dataclass(frozen=True)
class Asked:
    """One question in its scope."""

    scope: Scope
    question: str
    """Folded, as `question.single` gives it."""

    @property
    def key(self) -> str:
        """64 hex digits over scope and words."""
        return _digest({"scope": self.scope.digest, "question": self.question})


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()

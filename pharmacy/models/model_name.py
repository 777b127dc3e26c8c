"""Names of models: `provider:name`, and what a name says of a model's base and kin."""

import re
from dataclasses import dataclass
from typing import Self

LOCAL = "local"
_REF = re.compile(r"([a-z][a-z0-9_-]{0,40}):(\S{1,200})")
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_REASONING_ONLY = re.compile(r"o\d")


@dataclass(frozen=True)
class ModelRef:
    """A model as the node tables name it."""

    provider: str
    """An endpoint's name, or `local`."""

    name: str
    """What the endpoint calls it."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what `text` names.

        Raises:
            ValueError: it is not of the form `provider:name`.
        """
        found = _REF.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not of the form 'provider:name', such as 'openai:gpt-4o-2024-08-06'")
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"

    @property
    def is_local(self) -> bool:
        """True for a model that runs in this process."""
        return self.provider == LOCAL


def undated(name: str) -> str:
    """Return a model's name without snapshot date, and a fine-tuned one as `ft:` and its base's name."""
    if not name.startswith("ft:"):
        return _DATE.sub("", name)
    return "ft:" + _DATE.sub("", name.split(":")[1])


def base_of(name: str) -> str:
    """Return the name of the model that a fine-tuned one was made from; any other name as it is."""
    return name.split(":")[1] if name.startswith("ft:") else name


def maker_of(name: str) -> str:
    """Return the family a model belongs to: `gpt`, `qwen`, `llama` …

    Models judge their kin too kindly, across sizes and generations of one maker (arXiv 2502.01534).
    """
    base = base_of(name).rsplit("/", 1)[-1].lower()
    if _REASONING_ONLY.match(base) or base.startswith("chatgpt"):
        return "gpt"
    return re.match(r"[a-z]*", base)[0] or base  # type: ignore[index]  # matches the empty string too

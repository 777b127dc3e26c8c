"""What makes a vector of a question, so that the database can find the likest ones."""

from typing import Protocol


class Embedder(Protocol):
    """Makes vectors; those of two embedders are never compared."""

    name: str
    """As `provider:name`; kept beside each vector."""

    async def embed(self, text: str) -> tuple[float, ...]:
        """Return the vector of `text`, of length 1.

        Raises:
            FlowError: it could not be had in time.
        """
        ...

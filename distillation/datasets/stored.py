"""Bring a node's answers that the provider has kept together with our own records of the same calls."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from uuid import UUID

from pharmacy.models.stored_completions import StoredAnswer
from pharmacy.storage.recorded_calls import RecordedCall


class Stored:
    """What the provider has kept, by run; says which records it is the answer of, and counts what it is of none."""

    def __init__(self) -> None:
        self._of_run: dict[UUID, list[StoredAnswer]] = {}
        self._matched: set[str] = set()
        self.left_out: Counter[str] = Counter()
        self.read = 0

    @classmethod
    async def of(cls, answers: AsyncIterator[StoredAnswer], told: Callable[[int], None] = lambda _: None) -> "Stored":
        """Read them all; `told` hears how many are read."""
        stored = cls()
        async for answer in answers:
            stored.read += 1
            told(stored.read)
            if answer.run_id is None:
                stored.left_out["stored_without_a_run"] += 1
            else:
                stored._of_run.setdefault(answer.run_id, []).append(answer)
        return stored

    def kept(self, calls: Iterable[RecordedCall]) -> list[RecordedCall]:
        """Return those of our records whose answer the provider has kept, word for word.

        Whose it is, whether they agree and what was decided is known from the record alone: without one an answer
        teaches nothing.
        """
        return [call for call in calls if self._fits(call)]

    def unmatched(self) -> Counter[str]:
        """Return why answers stand by themselves, counted; to be asked once every record has been seen."""
        rest = [each for of in self._of_run.values() for each in of if each.id not in self._matched]
        return self.left_out + Counter({"stored_without_our_record": len(rest)} if rest else {})

    def _fits(self, call: RecordedCall) -> bool:
        of = self._of_run.get(call.run_id, [])
        same = [each for each in of if each.content == call.output and each.fingerprint == call.prompt_fingerprint]
        # An earlier draft of the same run is an answer of ours too, and the one that teaches is another.
        self._matched |= {each.id for each in (of if same else [])}
        return bool(same)

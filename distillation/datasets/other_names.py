"""Find other patients' names in what is to be learnt, however many patients there are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from distillation.datasets.rules import letters
from pharmacy.storage.names import SHORTEST_NAME

_HEAD = 2


class OtherNames:
    """Every patient's name, looked up at each place of a text in time that hardly grows with their number."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """`names`: patient id to name."""
        self._of = {patient_id: letters(name) for patient_id, name in names.items()}
        self._with_head: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for name in names.values():
            if len(plain := letters(name)) >= SHORTEST_NAME:
                self._with_head[plain[:_HEAD]].add((plain, name))

    def within(self, texts: Iterable[str], patient_id: str) -> frozenset[str]:
        """Return the names that stand in `texts` and are not, as a whole or as a part, this patient's own."""
        own = self._of.get(patient_id, "")
        return frozenset(
            name
            for text in map(letters, texts)
            for at in range(len(text))
            for plain, name in self._with_head.get(text[at : at + _HEAD], ())
            if text.startswith(plain, at) and plain not in own
        )

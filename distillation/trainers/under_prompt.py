"""Hold training rows against the prompt that the node has now: a student is bound to the words it was trained under."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from distillation.trainers.training_file import Row, TrainingFile
from graph.assemble import Words, files_from, words_of
from nodes.load import load_flow
from pharmacy.domain.errors import ConfigError
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings
from prompts.load import blanks_of, fill, fingerprint

_MARK = "\ue000{}\ue001"
_MARKED = re.compile("\ue000([a-z_]+)\ue001")


@dataclass(frozen=True)
class NodePrompt:
    """What a node asks its model, as it now stands."""

    node: str
    fingerprint: str
    system: str
    frame: re.Pattern[str]
    """Matches a whole user message, with one group per blank."""

    @classmethod
    def of(cls, node: str, settings: Settings) -> Self:
        """Return the prompt of `node`.

        Raises:
            ConfigError: there is no such node, or a file is not as it must be.
        """
        files = files_from(settings)
        words = words_of(load_flow(files.flow), read_tables(files.models), files)
        if node not in words:
            raise ConfigError(f"{node!r} is no node that asks a model; expected one of {[*words]}")
        return cls._of(node, words[node], files.prompts)

    @classmethod
    def _of(cls, node: str, words: Words, folder: Path) -> Self:
        marks = {name: _MARK.format(name) for name in blanks_of(words.frame, folder)}
        parts = _MARKED.split(fill(words.frame, marks, folder))
        pattern = "".join(f"(?P<{part}>.*)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        return cls(
            node,
            fingerprint(words.prompt, words.frame, words.static, folder),
            fill(words.prompt, words.static, folder),
            re.compile(pattern, re.DOTALL),
        )

    def blanks(self, row: Row) -> Mapping[str, str] | None:
        """Return the values of the frame's blanks in `row`; None where the row stands under other words."""
        match [message.role for message in row.asked], row.asked:
            case ["system", "user"], [system, user]:
                found = self.frame.fullmatch(user.content) if system.content == self.system else None
                return found.groupdict() if found else None
        return None

    def check(self, file: TrainingFile) -> Sequence[Mapping[str, str]]:
        """Return the blanks of every row of `file`.

        Raises:
            ConfigError: a row stands under other words than the node's prompt now has.
        """
        found = []
        for number, row in enumerate(file.rows, 1):
            blanks = self.blanks(row)
            if blanks is None:
                raise ConfigError(
                    f"{file.path}:{number}: stands under other words than {self.node}'s prompt {self.fingerprint} now "
                    "has; expected its system message and frame: export the dataset anew under this prompt"
                )
            found.append(blanks)
        return found

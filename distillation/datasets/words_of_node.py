"""Fill a node's present prompt with recorded blanks: a dataset stands under the words that its student will hear."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from distillation.datasets.label import NoLabel
from graph.assemble import Files, Words, words_of
from nodes.judge import bars
from nodes.load import load_flow
from nodes.switch_phase import allowed_phases
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.flow import Flow
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings
from prompts.load import blanks_of, compose, fill, fingerprint


@dataclass(frozen=True)
class NodeWords:
    """What a node asks its model today."""

    node: str
    flow: Flow
    words: Words
    folder: Path
    fingerprint: str
    system: str
    frame_blanks: frozenset[str]

    @classmethod
    def of(cls, node: str, settings: Settings) -> Self:
        """Return the words of `node`.

        Raises:
            ConfigError: there is no such node, or a file is not as it must be.
        """
        files = Files(settings.flow_file, settings.models_file, settings.prompts_folder, settings.policy_file)
        flow = load_flow(files.flow)
        every = words_of(flow, read_tables(files.models), files)
        if node not in every:
            raise ConfigError(f"{node!r} is no node that asks a model; expected one of {[*every]}")
        words = every[node]
        return cls(
            node, flow, words, files.prompts,
            fingerprint(words.prompt, words.frame, words.static, files.prompts),
            fill(words.prompt, words.static, files.prompts), blanks_of(words.frame, files.prompts),
        )  # fmt: skip

    def changing(self, recorded: Mapping[str, str]) -> dict[str, str]:
        """Return the frame's blanks out of what was recorded; what the flow file says of them is said anew.

        Raises:
            NoLabel: a blank is not there, or names what the flow no longer knows.
        """
        if not self.frame_blanks <= recorded.keys():
            raise NoLabel("blanks_do_not_fit")
        found = {name: recorded[name] for name in sorted(self.frame_blanks)}
        for name, known in (("phase", self.flow.phases), ("category", self.flow.categories)):
            if name in found and found[name] not in known:
                raise NoLabel("blanks_do_not_fit")
        return found | self._from_flow(found)

    def user(self, changing: Mapping[str, str]) -> str:
        """Return the user message."""
        return compose(self.words.prompt, self.words.frame, self.words.static, changing, self.folder).user

    def _from_flow(self, found: Mapping[str, str]) -> dict[str, str]:
        said: dict[str, str] = {}
        if "allowed" in found:
            said["allowed"] = allowed_phases(self.flow, found["phase"])
        if "criteria" in found:
            said["criteria"] = bars(self.flow)
        return said

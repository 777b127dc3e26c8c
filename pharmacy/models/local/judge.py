"""The local judge: a deterministic rubric, one function per criterion, with its reasons in Japanese."""

from collections.abc import Callable, Mapping

from pharmacy.domain.errors import ReplyUnreadable
from pharmacy.domain.gates.claims import load_rules
from pharmacy.domain.model import Answer, Prompt
from pharmacy.models.local.rubric.accuracy import accuracy
from pharmacy.models.local.rubric.answers import answers_question
from pharmacy.models.local.rubric.material import Material, Verdict, words
from pharmacy.models.local.rubric.phase import phase_fit
from pharmacy.models.local.rubric.safety import safety
from pharmacy.models.local.rubric.tone import tone

RUBRIC: Mapping[str, Callable[[Material], Verdict]] = {
    "safety": safety,
    "accuracy": accuracy,
    "answers_question": answers_question,
    "phase_fit": phase_fit,
    "tone": tone,
}
_UNKNOWN = Verdict(1, "この項目の見方を、決まった規則は持っていません。薬剤師が確かめてください。")


class LocalJudge:
    """A `ChatModel` that marks drafts by rule and reads only the prompt's blanks."""

    def __init__(self) -> None:
        # Rules and words are read now: a broken file stops the start, and no draft waits for them.
        load_rules()
        words()

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return a reason and a mark for each criterion that `schema` asks for; an unknown criterion gets a 1.

        Raises:
            ReplyUnreadable: the prompt lacks a blank that the rubric reads.
        """
        material = read_material(prompt)
        verdicts = {name: marked(name, material) for name in schema.model_fields}
        return schema.model_validate({name: {"reason": v.reason, "mark": v.mark} for name, v in verdicts.items()})


def read_material(prompt: Prompt) -> Material:
    """Return what a judge's prompt shows.

    Raises:
        ReplyUnreadable: the prompt lacks a blank that the rubric reads.
    """
    try:
        return Material.read(prompt.blanks)
    except (KeyError, ValueError) as error:
        raise ReplyUnreadable(f"judge: {error!r}: the rubric cannot read this prompt's blanks") from error


def marked(criterion: str, material: Material) -> Verdict:
    """Return the rubric's verdict; an unknown criterion gets a 1."""
    return RUBRIC[criterion](material) if criterion in RUBRIC else _UNKNOWN

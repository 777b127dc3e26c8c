"""The output gate at the pharmacist's hand: it warns, and a reason lets the text pass."""

from collections.abc import Sequence
from dataclasses import replace

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.claims import ClaimHit, LintContext, lint
from pharmacy.domain.patient_profile import patient_from
from pharmacy.storage import names, people, reading
from server.errors import Refused
from server.program import Program


class WordingRefused(Refused):
    """The output gate holds a person's wording, and no reason lets it pass."""

    def __init__(self, reason: str | None, found: Sequence[ClaimHit]) -> None:
        said = " ".join(dict.fromkeys(hit.reason_ja for hit in found))
        super().__init__("reason", reason, f"output gate: {said} Expected a reason to send it all the same")
        self.found = found


async def wording_context(program: Program, pharmacy_id: str, conversation_id: str, text: str) -> LintContext:
    """Return what may stand in `text`, sent in this conversation: doses as for a draft, our contacts, no other's name.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    async with program.database.begin(pharmacy_id) as tx:
        conversation = await reading.one_conversation(tx, pharmacy_id, conversation_id)
        patient_id = conversation["patient_id"]
        profile = await people.patient_profile(tx, pharmacy_id, patient_id)
        others = await names.other_names_in(tx, pharmacy_id, patient_id, text)
    try:
        patient = patient_from(patient_id, profile)
    except ConfigError:
        patient = Patient(patient_id)  # a profile that cannot be read keeps nobody from being answered
    window = program.assembled.flow.window_turns
    texts = [message["text"] for message in conversation["messages"][-window:]]
    catalogue = await program.catalogue(pharmacy_id)
    static = program.assembled.replies.parts.lint_context
    return replace(
        static,
        label_doses=catalogue.label_doses(texts, patient, text),
        other_names=others,
    )


def refuse_bad_wording(
    program: Program, text: str, reason: str | None, context: LintContext | None = None
) -> tuple[str, ...]:
    """Let `text` pass when the output gate finds nothing, or when a person gives a reason to send it all the same.

    Args:
        context: what may stand in this text; without it, what may stand in any.

    Returns:
        The names of the rules that the reason overrides.

    Raises:
        WordingRefused: names what the gate found; the same call with a `reason` is then taken.
    """
    found = lint(text, context or program.assembled.replies.parts.lint_context)
    if found and not (reason and reason.strip()):
        raise WordingRefused(reason, found)
    return tuple(dict.fromkeys(hit.rule for hit in found))

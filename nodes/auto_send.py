"""Step 7b: propose that a draft goes out by itself, and say what stands against it; the sending is not done here."""

from collections.abc import Iterator

from nodes.triage import Reads
from pharmacy.domain.conversation import Author, Transcript
from pharmacy.domain.facts import FactSheet
from pharmacy.domain.gates.unattended import echoes, speaks_to_machine, unfit_alone
from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind
from pharmacy.domain.policy import InForce

MEANT_FOR_MACHINES = "prompt_injection."


def auto_send(draft: Draft, category: str, phase: str, marking: str) -> Outcome:
    """Return the outcome that lets `draft` go out without a pharmacist's hand.

    Args:
        marking: stands under the text, so that the patient knows that no person wrote it.
    """
    return Outcome(OutcomeKind.AUTO_SENT, category, phase, f"{draft.text}\n\n{marking}", draft.judgement)


def unfit_unseen(
    draft: Draft, policy: InForce, transcript: Transcript, facts: FactSheet, said_of_patient: str, recogniser: Reads
) -> Iterator[HeldFor]:
    """Yield why nobody may leave `draft` unseen, by its marks, its words, and everything its writer has read.

    Args:
        said_of_patient: the patient's name and profile as they were told, in any form.
    """
    if not _marked_high_enough(draft, policy):
        yield HeldFor.MARK_BELOW_AUTOMATIC
    if policy.policy is None or len(draft.text) > policy.policy.longest_chars:
        yield HeldFor.TOO_LONG
    yield from unfit_alone(draft.text)
    theirs = [turn.text for turn in transcript.turns if turn.author is Author.PATIENT]
    if echoes(draft.text, [*theirs, said_of_patient]):
        yield HeldFor.ECHOES_PATIENT
    # A message that was held once stays in the window, and the models read it again with each one after it.
    if any(recogniser.recognise(text).hits for text in (*dict.fromkeys(theirs), "\n".join(theirs))):
        yield HeldFor.GATE_IN_WINDOW
    if _meant_for_machines([*(turn.text for turn in transcript.turns), said_of_patient], facts, recogniser):
        yield HeldFor.SPEAKS_TO_MACHINE


def _marked_high_enough(draft: Draft, policy: InForce) -> bool:
    marks = draft.judgement.marks if draft.judgement else {}
    # Every criterion that the policy knows of: a mark that is missing is no mark.
    return bool(policy.floors) and all(
        name in marks and marks[name].mark >= floor for name, floor in policy.floors.items()
    )


def _meant_for_machines(texts: list[str], facts: FactSheet, recogniser: Reads) -> bool:
    told = [fact.value for fact in facts.facts if fact.value]
    if any(speaks_to_machine(text) for text in (*texts, "".join(texts), *told)):
        return True
    hits = [hit for text in told for hit in recogniser.recognise(text).hits]
    return any(hit.rule.startswith(MEANT_FOR_MACHINES) for hit in hits)

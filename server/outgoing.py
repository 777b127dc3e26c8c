"""The output gate at the pharmacist's hand: it warns, and a reason lets the text pass."""

from pharmacy.domain.gates.claims import lint
from server.errors import Refused
from server.program import Program


def refuse_bad_wording(program: Program, text: str, reason: str | None) -> None:
    """Let `text` pass when the output gate finds nothing, or when a person gives a reason to send it all the same.

    Raises:
        Refused: names what the gate found; the same call with a `reason` is then taken.
    """
    found = lint(text, program.assembled.replies.parts.lint_context)
    if found and not (reason and reason.strip()):
        said = "; ".join(dict.fromkeys(hit.reason_ja for hit in found))
        raise Refused("reason", reason, f"output gate: {said}: expected a reason to send it all the same")

"""Step 3b: say whether the conversation stays in its phase or moves to the next."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, create_model

from nodes.classify import Compose, closed_list
from pharmacy.domain.conversation import Transcript
from pharmacy.domain.flow import Flow
from pharmacy.domain.model import ChatModel

BLANKS = frozenset({"phase", "allowed", "conversation"})
"""What `switch_phase` fills its frame with."""


@dataclass(frozen=True)
class PhaseSwitch:
    """The phase the conversation should be in, which may be the one it is in."""

    phase: str
    reason: str


def phase_schema(flow: Flow, phase: str) -> type[BaseModel]:
    """Return the answer's schema from `phase`: only itself and the phases the flow file allows next."""
    return create_model(
        "PhaseSwitch",
        __config__=ConfigDict(extra="forbid"),
        phase=(closed_list(flow.phases_after(phase)), Field(description="これからの段階")),
        reason=(str, Field(description="そう判断した理由を一文で")),
    )


def allowed_phases(flow: Flow, phase: str) -> str:
    """Return the phases to choose from, as the prompt lists them."""
    return "、".join(flow.phases_after(phase))


async def switch_phase(
    transcript: Transcript, phase: str, flow: Flow, compose: Compose, schema: type[BaseModel], model: ChatModel
) -> PhaseSwitch:
    """Return the phase to be in after this message: `phase`, or one the flow allows next.

    Raises:
        FlowError: no readable answer, or a phase that may not follow.
    """
    blanks = {
        "phase": phase,
        "allowed": allowed_phases(flow, phase),
        "conversation": transcript.rendered(),
    }
    answer = await model.answer(compose(blanks), schema)
    return PhaseSwitch(**dict(answer))

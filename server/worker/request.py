"""What a begun run asks of the flow."""

from graph.state import Request
from nodes.screen import Standing
from pharmacy.storage.begun import Begun


def request_of(begun: Begun) -> Request:
    """Return the flow's request for a run that has begun."""
    standing = Standing(
        begun.now, begun.patient, begun.open_case, begun.taken_over, begun.first_contact, begun.redelivered
    )
    return Request(
        begun.transcript,
        standing,
        begun.phase,
        requested=begun.asked is not None,
        instruction=begun.asked.instruction if begun.asked else "",
        category=begun.category if begun.asked else None,
        earlier=begun.earlier,
    )

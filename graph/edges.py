"""Which node may lead to which: the one table that the graph is built from and the tests walk."""

from collections.abc import Mapping

from pharmacy.domain.flow import Flow

START = "__start__"
END = "__end__"
OUTCOMES = ("suggest", "auto_send", "hand_over")
SIDE_BY_SIDE = ("classify", "switch_phase")
"""Neither needs the other's answer; what follows them waits for both."""

Edges = Mapping[str, tuple[str, ...]]
"""Each node with the nodes it may lead to."""


def declared(flow: Flow) -> Edges:
    """Return each node of `flow` with the nodes it may lead to, in the order they are drawn."""
    generators = tuple(category.node for category in flow.machine_categories)
    return {
        START: ("screen",),
        "screen": ("triage", "hand_over"),
        "triage": (*SIDE_BY_SIDE, *generators, "hand_over"),
        **dict.fromkeys(SIDE_BY_SIDE, ("choose",)),
        "choose": (*generators, "hand_over"),
        **dict.fromkeys(generators, ("judge",)),
        "judge": ("suggest", "auto_send", *generators, "hand_over"),
        **dict.fromkeys(OUTCOMES, (END,)),
    }

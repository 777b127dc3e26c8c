"""Which node may lead to which: the one table that the graph is built from and the tests walk."""

from collections.abc import Mapping

from pharmacy.domain.flow import Flow

START = "__start__"
END = "__end__"
OUTCOMES = ("suggest", "auto_send", "hand_over")


def declared(flow: Flow) -> Mapping[str, tuple[str, ...]]:
    """Return each node with the nodes it may lead to, in the order they are drawn."""
    generators = tuple(category.node for category in flow.machine_categories)
    return {
        START: ("screen",),
        "screen": ("triage", "hand_over"),
        "triage": ("classify", "switch_phase", *generators, "hand_over"),
        "classify": ("choose",),
        "switch_phase": ("choose",),
        "choose": (*generators, "hand_over"),
        **dict.fromkeys(generators, ("judge",)),
        "judge": ("suggest", "auto_send", *generators, "hand_over"),
        **dict.fromkeys(OUTCOMES, (END,)),
    }

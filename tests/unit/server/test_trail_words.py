"""Each answer that a node can give is told in the reader's words, in both languages; no code is left."""

import re
from collections.abc import Iterator

import pytest

from graph.edges import START, declared
from nodes.classify import Safety
from nodes.load import load_flow
from pharmacy.domain import errors
from pharmacy.domain.errors import FlowError
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.outcome import OutcomeKind
from pharmacy.settings import CHECKOUT
from server.console.languages import NAMES, language
from server.console.policy_words import PolicyWords
from server.console.trail_words import TrailWords

FLOW = load_flow()
FAULTS = [kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FlowError)]
GATES = [path.stem for path in (CHECKOUT / "pharmacy/domain/gates/rules").glob("*.toml") if path.stem != "vocabulary"]
SCREENS = re.findall(r'_hit\("([a-z_]+)"', (CHECKOUT / "nodes/screen.py").read_text("utf-8"))
CODE = re.compile(r"[a-z]+_[a-z_]+|[a-z]+=\d|\bfault\b|\bclear\b")


def _every_answer() -> Iterator[tuple[str, str]]:
    for node in ("screen", "triage"):
        yield node, "clear"
    yield from (("screen", f"screen.{rule} ({Tier.H})") for rule in SCREENS)
    yield from (("triage", f"{gate}.one ({tier})") for gate in GATES for tier in Tier)
    yield from (("classify", f"{category} ({safety})") for category in FLOW.categories for safety in Safety)
    yield from (("switch_phase", f"{one} → {two}") for one in FLOW.phases for two in FLOW.phases)
    yield from (("choose", category) for category in FLOW.categories)
    yield from ((node, "draft 2") for node in declared(FLOW) if node.startswith("generate_"))
    yield "judge", " ".join(f"{name}=4" for name in FLOW.criteria)
    yield "judge", "blocked by the output gate"
    yield from (("suggest", kind.value) for kind in OutcomeKind)
    yield "auto_send", OutcomeKind.AUTO_SENT.value
    yield from (("hand_over", code) for code in ("triage", "open_case", "drafts_used_up", "pharmacist_only"))
    yield from ((node, f"fault: {code}") for node in declared(FLOW) if node != START for code in FAULTS)


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_of_a_node_is_told_as_a_code(name: str) -> None:
    words = TrailWords(PolicyWords(language(name), FLOW))

    told = {(node, says): words.said(node, says) for node, says in _every_answer()}

    assert {said: shown for said, shown in told.items() if shown == said[1] or CODE.search(shown)} == {}


@pytest.mark.parametrize(
    ("node", "says", "told"),
    [
        ("screen", "clear", "問題なし"),
        ("triage", "pregnancy_lactation.asks (U)", "至急 · 妊娠・授乳の可能性"),
        ("screen", "screen.taken_over (H), screen.too_old (H)",
         "要対応 · 薬剤師が引き受けています / 要対応 · 届くまでに時間がかかりすぎました"),
        ("generate_usage", "draft 2", "返信案 2"),
        ("classify", "an older line", "an older line"),
    ],
)  # fmt: skip
def test_an_answer_is_told(node: str, says: str, told: str) -> None:
    assert TrailWords(PolicyWords(language("ja"), FLOW)).said(node, says) == told

"""Each thing that keeps a reply from going out by itself does so alone, when it is queued and before it is sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nodes.load import SHIPPED_POLICY, load_flow
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.held_for import HeldFor, Reached
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind
from pharmacy.domain.policy import Policy
from pharmacy.domain.policy_file import load_policy
from pharmacy.storage import automatic, people, policy
from pharmacy.storage.automatic import Ran
from pharmacy.storage.database import Database
from pharmacy.storage.outcomes import Covered
from pharmacy.storage.tables import conversations, handovers, outbox

FLOW = load_flow()
FILE = load_policy(SHIPPED_POLICY, FLOW)
WORDS = "お問い合わせありがとうございます。ご注文の状況を確かめています。"
MARKED = f"{WORDS}\n\n{FILE.bounds.marking}"
JUDGED = Judgement({name: Mark(5, criterion.bar, "") for name, criterion in FLOW.criteria.items()})
ASKED = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass
class Case:
    """A reply that may go out by itself, in a conversation of the test's own, until a test spoils one thing."""

    tx: AsyncConnection
    pharmacy_id: str
    outcome: Outcome
    covered: Covered
    ran: Ran

    async def conversation(self) -> Any:
        """Return the conversation's row as it is now."""
        return (await self.tx.execute(select(conversations).where(conversations.c.id == "c-1"))).one()

    async def set(self, **values: Any) -> None:
        """Change the conversation."""
        await self.tx.execute(update(conversations).where(conversations.c.id == "c-1").values(**values))

    async def let(self, **changes: Any) -> None:
        """Set the next version of the policy: the shipped one, orders let out in the intake, with `changes`."""
        body = FILE.first.model_dump(mode="json") | {"modes": {"order_delivery": {"intake": "auto"}}} | changes
        now = await policy.in_force(self.tx, self.pharmacy_id, FILE)
        await policy.put(self.tx, self.pharmacy_id, "test", Policy.model_validate(body), "test", now.version)

    async def queued(self, recipient: str = "p-1", **values: Any) -> Any:
        """Write an automatic row and return it."""
        now = await policy.in_force(self.tx, self.pharmacy_id, FILE)
        row = {"id": uuid4(), "pharmacy_id": self.pharmacy_id, "conversation_id": "c-1", "retry_key": uuid4(),
               "version": 1, "text": MARKED, "text_hash": "", "recipient": recipient, "author": "machine",
               "sent_by": "policy:1", "category": "order_delivery", "phase": "intake", "state": "queued",
               "automatic": True, "policy_version": now.version} | values  # fmt: skip
        return (await self.tx.execute(insert(outbox).values(**row).returning(outbox))).one()


@pytest.fixture
async def case(database: Database) -> AsyncIterator[Case]:
    """Return a reply against which nothing stands."""
    async with database.begin(database.pharmacy_id) as tx:
        of = {"pharmacy_id": database.pharmacy_id}
        await people.put_patient(tx, database.pharmacy_id, "p-1", {"consent": {"replies": True}})
        row = {"id": "c-1", "patient_id": "p-1", "channel": "api", "phase": "intake", "version": 1}
        await tx.execute(insert(conversations).values(**of, **row))
        outcome = Outcome(
            OutcomeKind.AUTO_SENT, "order_delivery", "intake", MARKED, JUDGED, drafts=(Draft(WORDS, JUDGED),)
        )
        covered = Covered(database.pharmacy_id, "c-1", 1, calls=(_call("judge"),))
        found = Case(tx, database.pharmacy_id, outcome, covered, Ran(datetime.now(UTC), requested=False, hits=()))
        await found.let()
        yield found


Spoil = Callable[[Case], Awaitable[None]]


async def nothing(case: Case) -> None:
    """Leave everything as it is."""


async def kill(case: Case) -> None:
    await policy.turn(case.tx, case.pharmacy_id, "test", is_on=True, reason="")


async def suggest_only(case: Case) -> None:
    await case.let(modes={})


async def let_another_phase(case: Case) -> None:
    await case.let(modes={"order_delivery": {"purchase": "auto"}})


async def unreadable(case: Case) -> None:
    bad = {"lc": 1, "type": "constructor"}
    values = {"version": 2, "body": bad, "set_by": "test", "reason": "test"}
    await case.tx.execute(insert(policy.policies).values(pharmacy_id=case.pharmacy_id, **values))


async def take_over(case: Case) -> None:
    await case.set(taken_over_by="key:test")


async def correct(case: Case) -> None:
    await case.set(phase_set_at=datetime.now(UTC) + timedelta(seconds=1))


async def open_case(case: Case) -> None:
    row = {"id": uuid4(), "version": 1, "state": "open", "code": "triage", "tier": "H", "urgency": 2, "detail": "",
           "phase": "intake", "reasons": [], "drafts": []}  # fmt: skip
    await case.tx.execute(insert(handovers).values(pharmacy_id=case.pharmacy_id, conversation_id="c-1", **row))


async def withdraw_consent(case: Case) -> None:
    await people.put_patient(case.tx, case.pharmacy_id, "p-1", {"consent": {"replies": False}})


async def forget_consent(case: Case) -> None:
    await people.put_patient(case.tx, case.pharmacy_id, "p-1", {"consent": {"training": True}})


async def use_up_the_hour(case: Case) -> None:
    for _ in range(3):
        await case.queued(state="sent", attempts=1)


async def use_up_the_day(case: Case) -> None:
    await case.let(limits=FILE.first.limits.model_dump() | {"per_day": 1})
    await case.queued(recipient="p-2", state="sent", attempts=1)


async def use_up_the_patients_day(case: Case) -> None:
    await case.let(limits=FILE.first.limits.model_dump() | {"per_patient_day": 1})
    await case.queued(state="sent", attempts=1, created_at=text("now() - interval '3 hours'"))


async def use_up_the_policy(case: Case) -> None:
    await case.let(limits=FILE.first.limits.model_dump() | {"in_all": 1})
    await case.queued(recipient="p-2", state="sent", attempts=1, created_at=text("now() - interval '9 days'"))


STANDING = [
    pytest.param(nothing, None, id="nothing"),
    pytest.param(kill, "kill_switch", id="kill-switch"),
    pytest.param(unreadable, "policy_in_doubt", id="a-policy-that-cannot-be-read"),
    pytest.param(take_over, "taken_over", id="taken-over"),
    pytest.param(correct, "corrected", id="corrected-by-a-person"),
    pytest.param(open_case, "open_case", id="an-open-case-of-any-tier"),
    pytest.param(withdraw_consent, "consent_unknown", id="consent-withdrawn"),
    pytest.param(forget_consent, "consent_unknown", id="consent-unknown"),
    pytest.param(use_up_the_hour, "limit_per_patient_hour", id="three-in-an-hour"),
    pytest.param(use_up_the_patients_day, "limit_per_patient_day", id="the-patients-day"),
    pytest.param(use_up_the_day, "limit_per_day", id="the-pharmacys-day"),
    pytest.param(use_up_the_policy, "limit_in_all", id="the-policys-number"),
]


async def settled(case: Case) -> Outcome:
    """Return what becomes of the reply when it would be queued."""
    found, _ = await automatic.settle(case.tx, FILE, await case.conversation(), case.covered, case.outcome, case.ran)
    return found


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        *STANDING,
        pytest.param(suggest_only, "not_allow_listed", id="not-listed"),
        pytest.param(let_another_phase, "not_allow_listed", id="another-phase-listed"),
    ],
)
async def test_each_change_of_the_store_keeps_a_reply_from_being_queued(
    case: Case, spoil: Spoil, why: str | None
) -> None:
    await spoil(case)

    found = await settled(case)

    if why is None:
        assert found is case.outcome
    else:
        assert (found.kind, found.reply) == (OutcomeKind.SUGGESTION, WORDS)
        assert why in found.held_for
        # A policy in doubt lists nothing either; every other thing stands alone.
        assert set(found.held_for) <= {why, "not_allow_listed"}


LOW = Judgement(dict(JUDGED.marks) | {"tone": Mark(3, 3, "")})
NO_SAFETY = Judgement({name: mark for name, mark in JUDGED.marks.items() if name != "safety"})
BLOCKED = replace(JUDGED, blocked=("断定",))
LONG = "お待ちください。" * 60


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"ran": {"requested": True}}, "requested", id="a-pharmacist-asked-for-it"),
        pytest.param({"ran": {"hits": (GateHit("word.H", Tier.H, (0, 1), "x"),)}}, "gate_hit", id="gated-at-intake"),
        pytest.param({"drafts": ()}, "not_judged", id="no-draft"),
        pytest.param({"drafts": (Draft(WORDS),)}, "not_judged", id="no-judgement"),
        pytest.param({"drafts": (Draft(WORDS, BLOCKED),)}, "not_judged", id="blocked-by-the-output-gate"),
        pytest.param({"drafts": (Draft(WORDS, LOW),)}, "mark_below_automatic", id="a-mark-below-the-policys"),
        pytest.param({"drafts": (Draft(WORDS, NO_SAFETY),)}, "mark_below_automatic", id="a-criterion-not-marked"),
        pytest.param({"calls": ()}, "not_judged", id="no-call-of-the-judge"),
        pytest.param({"calls": ("judge failed",)}, "not_judged", id="a-failed-call-of-the-judge"),
        pytest.param({"reply": WORDS}, "not_marked", id="without-its-marking"),
        pytest.param(
            {"reply": f"別の言葉。\n\n{FILE.bounds.marking}"}, "not_marked", id="other-words-than-were-judged"
        ),
        pytest.param({"words": LONG}, "too_long", id="too-long"),
    ],
)
async def test_each_thing_about_the_run_keeps_a_reply_from_being_queued(
    case: Case, changes: dict[str, Any], why: str
) -> None:
    case.ran = replace(case.ran, **changes.get("ran", {}))
    if "calls" in changes:
        case.covered = replace(case.covered, calls=tuple(_call("judge", "timeout") for _ in changes["calls"]))
    if words := changes.get("words"):
        changes = {"drafts": (Draft(words, JUDGED),), "reply": f"{words}\n\n{FILE.bounds.marking}"}
    case.outcome = replace(case.outcome, **{k: v for k, v in changes.items() if k in ("drafts", "reply")})

    found = await settled(case)

    assert found.kind is OutcomeKind.SUGGESTION
    assert why in found.held_for
    assert [each.code for each in found.reached] == [why] * (why in ("mark_below_automatic", "too_long"))


async def test_a_reply_that_names_another_patient_is_not_queued(case: Case) -> None:
    await people.put_patient(case.tx, case.pharmacy_id, "p-2", {"name": "綾小路 桜子"})
    words = "綾小路桜子さんのご相談は不眠についてでした。"
    reply = f"{words}\n\n{FILE.bounds.marking}"
    case.outcome = replace(case.outcome, drafts=(Draft(words, JUDGED),), reply=reply)

    found = await settled(case)

    assert found.held_for == ("other_patients_name",)


async def change_policy(case: Case) -> None:
    await case.let(hold_seconds=1)


async def give_to_another(case: Case) -> None:
    await people.put_patient(case.tx, case.pharmacy_id, "p-9", {"consent": {"replies": True}})
    await case.set(patient_id="p-9")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        *(param for param in STANDING if param.id not in ("a-policy-that-cannot-be-read",)),
        pytest.param(change_policy, "policy_changed", id="another-policy-since"),
        pytest.param(unreadable, "policy_changed", id="a-policy-that-cannot-be-read"),
        pytest.param(give_to_another, "other_recipient", id="not-the-conversations-patient"),
    ],
)
async def test_each_change_of_the_store_keeps_a_queued_reply_from_going(
    case: Case, spoil: Spoil, why: str | None
) -> None:
    if spoil.__name__.startswith("use_up"):
        await spoil(case)  # before the row: what comes after it changes the policy that let it out
        row = await case.queued()
    else:
        row = await case.queued()
        await spoil(case)

    found = await automatic.may_still_go(FILE)(case.tx, row)
    assert (found.code if found else None) == why


async def test_a_row_counts_only_what_was_tried_before_it(case: Case) -> None:
    rows = [await case.queued() for _ in range(3)]

    assert [await automatic.may_still_go(FILE)(case.tx, row) for row in rows] == [None, None, None]
    held = await settled(case)
    assert held.held_for == ("limit_per_patient_hour",)
    assert held.reached == (Reached(HeldFor.LIMIT_PER_PATIENT_HOUR, 3, 3),)


async def test_what_was_cancelled_uses_no_limit_up(case: Case) -> None:
    for _ in range(5):
        await case.queued(state="cancelled")

    assert await settled(case) is case.outcome


async def test_the_stores_own_role_cannot_rewrite_who_let_what_out(case: Case) -> None:
    for table in ("policies", "kill_switches"):
        allowed = await case.tx.execute(
            text("SELECT has_table_privilege(:t, 'UPDATE'), has_table_privilege(:t, 'DELETE')"), {"t": table}
        )
        assert tuple(allowed.one()) == (False, False)


def _call(node: str, error: str | None = None) -> ModelCall:
    return ModelCall(
        node, f"{node}/system", "0" * 12, {}, "m", None if error else "m", "{}", 1, 0, 1,
        tokens_estimated=False, cost_usd=0.0, started_at=ASKED, seconds=0.1, attempt=1, error=error,
    )  # fmt: skip

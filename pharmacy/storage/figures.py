"""What replies cost and bring, counted from calls, messages, outcomes and decisions: nothing is kept beside them."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.figures import Asked, Counted, Handled, Mark, Returned
from pharmacy.domain.numbers import Spread
from pharmacy.domain.share import Share
from pharmacy.storage.numbers import Asked as Days

IN_TIME = timedelta(days=7)
"""What comes later is no answer to a message any more."""

# One row for each day, node, model, prompt and category: a few thousand, which the rest is added up from.
_CALLS = text("""
SELECT (c.started_at AT TIME ZONE 'Asia/Tokyo')::date AS day, c.node, c.model_asked, c.prompt_fingerprint, o.category,
       count(*) AS calls, count(*) FILTER (WHERE c.cost_usd IS NULL) AS unpriced,
       count(*) FILTER (WHERE c.tokens_estimated) AS estimated, sum(c.prompt_tokens) AS prompt_tokens,
       sum(c.cached_tokens) AS cached_tokens, sum(c.completion_tokens) AS completion_tokens,
       coalesce(sum(c.cost_usd), 0) AS priced_usd
FROM model_calls c
LEFT JOIN (SELECT run_id, min(body ->> 'category') AS category FROM outcomes
           WHERE pharmacy_id = :pharmacy_id AND created_at >= :begins AND created_at < :late AND run_id IS NOT NULL
           GROUP BY run_id) o ON o.run_id = c.run_id
WHERE c.pharmacy_id = :pharmacy_id AND c.started_at >= :begins AND c.started_at < :ends
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4
""")

# Each message with what follows it in its conversation: who replied first, and whether the patient wrote again.
_FOLLOWED = """
WITH said AS (
    SELECT author, received_at, sent_at, outcome_id, kind = 'fixed' AS is_fixed,
           min(sent_at) FILTER (WHERE author = 'machine' AND kind <> 'fixed') OVER after AS by_machine,
           min(sent_at) FILTER (WHERE author = 'pharmacist' AND kind <> 'fixed') OVER after AS by_pharmacist,
           min(received_at) FILTER (WHERE author = 'patient') OVER after AS by_patient
    FROM messages
    WHERE pharmacy_id = :pharmacy_id AND received_at >= :begins AND received_at < :late
    -- Backwards, so that each row adds to what is known of the rows before it, and nothing is looked through twice.
    WINDOW after AS (PARTITION BY conversation_id ORDER BY order_at DESC, id DESC
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
"""
_HANDLED = text(f"""{_FOLLOWED}, asked AS (
    SELECT (said.received_at AT TIME ZONE 'Asia/Tokyo')::date AS day, outcomes.body ->> 'category' AS category,
           least(by_machine, by_pharmacist) - said.received_at AS took,
           by_machine IS NOT NULL AND by_machine <= coalesce(by_pharmacist, by_machine) AS alone
    FROM said LEFT JOIN outcomes ON outcomes.id = said.outcome_id
    WHERE author = 'patient' AND said.received_at < :ends
), timed AS (
    SELECT day, category, alone,
           CASE WHEN took < :in_time THEN greatest(extract(epoch FROM took), 0)::float8 END AS took
    FROM asked
)
SELECT day, category, grouping(day) AS without_day, grouping(category) AS without_category, count(*) AS messages,
       count(took) FILTER (WHERE alone) AS by_machine, count(took) FILTER (WHERE NOT alone) AS by_pharmacist,
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY took) FILTER (WHERE alone) AS of_machine,
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY took) FILTER (WHERE NOT alone) AS of_pharmacist,
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY took) AS of_all
FROM timed GROUP BY GROUPING SETS ((), (day), (category))
""")  # noqa: S608 (two constants)
_RETURNED = text(f"""{_FOLLOWED}
SELECT count(*) AS replies, count(*) FILTER (WHERE by_patient - sent_at < :in_time) AS answered
FROM said WHERE author <> 'patient' AND NOT is_fixed AND received_at < :ends
""")  # noqa: S608 (two constants)
_BOUGHT = text("""
WITH wrote AS (
    SELECT DISTINCT c.patient_id FROM messages m
    JOIN conversations c ON c.pharmacy_id = m.pharmacy_id AND c.id = m.conversation_id
    WHERE m.pharmacy_id = :pharmacy_id AND m.author = 'patient' AND m.received_at >= :begins AND m.received_at < :ends
)
SELECT count(*) AS patients,
       count(*) FILTER (WHERE jsonb_path_exists(profile, '$.orders[*] ? (@.ordered_on != null)')) AS with_orders,
       count(*) FILTER (WHERE jsonb_path_exists(
           profile, '$.orders[*] ? (@.ordered_on >= $first && @.ordered_on <= $last)', CAST(:days AS jsonb))) AS bought,
       coalesce(sum((SELECT count(*) FROM jsonb_path_query(
           profile, '$.ratings[*] ? (@.on >= $first && @.on <= $last)', CAST(:days AS jsonb)))), 0) AS ratings,
       coalesce(sum((SELECT sum((rating ->> 'mark')::int) FROM jsonb_path_query(
           profile, '$.ratings[*] ? (@.on >= $first && @.on <= $last)', CAST(:days AS jsonb)) rating)), 0) AS marks
FROM wrote LEFT JOIN patients ON patients.pharmacy_id = :pharmacy_id AND patients.id = wrote.patient_id
""")

# Where the last of n drafts became a suggestion, the ones before it fell short; where all were used up, all did. Of a
# run that ended for another reason nobody knows whether its last one would have cleared.
_DRAFTS = text("""
SELECT kind, coalesce(body #>> '{reason,code}', '') = 'drafts_used_up' AS used_up, (body ->> 'drafts')::int AS drafts,
       count(*) AS many
FROM outcomes WHERE pharmacy_id = :pharmacy_id AND created_at >= :begins AND created_at < :ends
  AND (body ->> 'drafts')::int > 0
GROUP BY 1, 2, 3
""")
_DECIDED = text("""
SELECT (at AT TIME ZONE 'Asia/Tokyo')::date AS day, 'serving' AS what, node,
       CASE WHEN student IS NULL OR by = 'teacher' THEN by ELSE by || ' ' || student END AS "to", seq
FROM servings WHERE pharmacy_id = :pharmacy_id AND at >= :begins AND at < :ends
UNION ALL
SELECT (at AT TIME ZONE 'Asia/Tokyo')::date, 'policy', '', version::text, version
FROM policies WHERE pharmacy_id = :pharmacy_id AND at >= :begins AND at < :ends
ORDER BY 1, 2, 5
""")


async def count(tx: AsyncConnection, days: Days) -> Counted:
    """Return everything that is counted of `days`; whose they are is not asked: it is the whole pharmacy."""
    # For questions of this size, compiling them takes longer than they do.
    await tx.execute(text("SET LOCAL jit = off"))
    asked = {
        "pharmacy_id": days.pharmacy_id, "begins": days.begins, "ends": days.ends, "late": days.ends + IN_TIME,
        "in_time": IN_TIME,
    }  # fmt: skip
    calls = (await tx.execute(_CALLS, asked)).all()
    handled = {_key(row): _handled(row) for row in await tx.execute(_HANDLED, asked)}
    drafts = _drafts((await tx.execute(_DRAFTS, asked)).all())
    decided = [Mark(row.day, row.what, row.node, row.to) for row in await tx.execute(_DECIDED, asked)]
    marks = sorted([*decided, *_first_seen(calls, decided)], key=lambda mark: mark.at)
    return Counted(_summed(calls), handled, drafts, tuple(marks), await _returned(tx, days, asked))


def _summed(calls: Sequence[Any]) -> dict[tuple[date, str, str, str | None], Asked]:
    found: dict[tuple[date, str, str, str | None], Asked] = {}
    for row in calls:
        key = row.day, row.node, row.model_asked, row.category
        tokens = (int(row.prompt_tokens), int(row.cached_tokens), int(row.completion_tokens))
        asked = Asked(row.calls, row.unpriced, row.estimated, *tokens, row.priced_usd)
        found[key] = found[key].plus(asked) if key in found else asked
    return found


def _first_seen(calls: Sequence[Any], decided: Sequence[Mark]) -> Iterator[Mark]:
    """Yield where a node's calls first name a model or a prompt that they did not name on its first day."""
    for what, column in (("model", "model_asked"), ("prompt", "prompt_fingerprint")):
        seen: dict[str, tuple[date, set[str]]] = {}
        for row in calls:
            first, named = seen.setdefault(row.node, (row.day, set()))
            value = getattr(row, column)
            if value in named:
                continue
            named.add(value)
            told = any(mark.at == row.day and mark.node == row.node and mark.to.endswith(value) for mark in decided)
            if row.day != first and not told:
                yield Mark(row.day, what, row.node, value)


def _key(row: Any) -> tuple[str, date | str | None]:
    if not row.without_day:
        return "day", row.day
    return ("total", None) if row.without_category else ("category", row.category)


def _handled(row: Any) -> Handled:
    spreads = (
        Spread(row.by_machine, *(row.of_machine or ())), Spread(row.by_pharmacist, *(row.of_pharmacist or ())),
        Spread(row.by_machine + row.by_pharmacist, *(row.of_all or ())),
    )  # fmt: skip
    return Handled(row.messages, row.by_machine, row.by_pharmacist, *spreads)


def _drafts(rows: Sequence[Any]) -> dict[int, Share]:
    found: dict[int, Share] = {}
    for row in rows:
        cleared = row.kind != "handover"
        for number in range(1, row.drafts + 1):
            is_last = number == row.drafts
            if is_last and not (cleared or row.used_up):
                continue
            before = found.get(number, Share(0, 0))
            found[number] = Share(before.hits + (row.many if is_last and cleared else 0), before.of + row.many)
    return dict(sorted(found.items()))


async def _returned(tx: AsyncConnection, days: Days, asked: dict[str, Any]) -> Returned:
    replies = (await tx.execute(_RETURNED, asked)).one()
    named = json.dumps({"first": days.first.isoformat(), "last": days.last.isoformat()})
    bought = (await tx.execute(_BOUGHT, asked | {"days": named})).one()
    return Returned(
        replies.replies, replies.answered, bought.patients, bought.with_orders, bought.bought, int(bought.ratings),
        int(bought.marks),
    )  # fmt: skip

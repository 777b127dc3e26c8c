"""What the local generator reaches: on messages written before it was tuned, and leaving out one wording at a time."""

import re
from collections import Counter
from typing import Any

from pharmacy.domain.errors import NothingFits
from pharmacy.models.local.generator import LocalGenerator
from pharmacy.models.local.library import library
from pharmacy.models.local.matching import Matcher, Said, wordings
from tests.unit.models.local.asked import asked, rows, written


async def test_no_reply_is_wrong_and_most_messages_get_one() -> None:
    generator, outcomes = LocalGenerator(), Counter[tuple[str, str]]()

    for row in rows("local-replies.jsonl"):
        outcomes[_kind(row["expect"]), await _outcome(generator, row)] += 1

    wrong = {key: count for key, count in outcomes.items() if key[1] == "wrong"}
    answered = outcomes["reply", "fitting"] / sum(n for (kind, _), n in outcomes.items() if kind == "reply")
    assert wrong == {}, outcomes
    assert outcomes["handover", "handed over"] == 51
    assert answered >= 0.9, outcomes


def test_a_wording_left_out_is_found_by_the_others_or_refused() -> None:
    matcher, outcomes = Matcher(library()), Counter[str]()

    for number, entry, wording in wordings(matcher.entries):
        said = Said(wording, entry.topic.after[0] if entry.topic.after else "")
        found = matcher.match(said, entry.category, without=number).entries
        outcomes["refused" if not found else "right" if found[0].topic.id == entry.topic.id else "other"] += 1

    given = outcomes["right"] + outcomes["other"]
    assert outcomes["right"] / given >= 0.985, outcomes
    assert given / outcomes.total() >= 0.6, outcomes


def test_words_for_another_category_are_seldom_taken_for_this_one() -> None:
    matcher, taken, tried = Matcher(library()), 0, 0

    for number, entry, wording in wordings(matcher.entries):
        for category in library() if number % 5 == 0 else ():
            found = matcher.match(Said(wording), category).entries if category != entry.category else ()
            # Thanks, prices and the like are written for in more than one category.
            taken += bool(found) and found[0].topic.id != entry.topic.id
            tried += category != entry.category

    assert taken / tried <= 0.015


def _kind(expect: object) -> str:
    return {str: "handover", dict: "missing", list: "reply"}[type(expect)]


async def _outcome(generator: LocalGenerator, row: dict[str, Any], *, check: bool = True) -> str:
    before = [(turn["from"], turn["text"]) for turn in row["history"]]
    blanks = asked(row["text"], row["category"], row["phase"], row["facts"], before)
    try:
        answer = await written(generator, blanks)
    except NothingFits:
        return "handed over"
    if not answer.reply:
        return "lacks a fact"
    if not check:
        return "given"
    expected = row["expect"] if isinstance(row["expect"], list) else []
    return "fitting" if _topics(answer.reply, row["category"]) & set(expected) else "wrong"


def _topics(reply: str, category: str) -> set[str]:
    """Return the topics among whose replies this text is; shared replies belong to several."""
    found = set()
    for entry in library()[category]:
        for written_reply in entry.replies:
            pattern = ".+?".join(re.escape(part) for part in re.split(r"{{ [a-z_.]+ }}", written_reply.text))
            if re.fullmatch(pattern, reply, re.DOTALL):
                found.add(entry.topic.id)
    return found
